//! Real source text that passes run over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// How much is read, in bytes.
const CORPUS_BYTES: usize = 48 << 20;

/// The longest file that is read, in bytes: longer ones are data more often than source.
const FILE_BYTES_MAX: u64 = 512 << 10;

/// How files of source text end.
const ENDINGS: [&str; 12] =
    ["c", "h", "js", "json", "md", "py", "rs", "sh", "toml", "ts", "txt", "yml"];

/// Files in memory.
pub(crate) struct Corpus {
    pub(crate) texts: Vec<Vec<u8>>,
    pub(crate) bytes: usize,
}

impl Corpus {
    /// Reads what `--corpus` names, by default the sources of crates that cargo keeps.
    pub(crate) fn of_arguments() -> anyhow::Result<Self> {
        Self::read(&directory()?)
    }

    /// Reads the files below `directory`, in the order of their names, up to the limit.
    fn read(directory: &Path) -> anyhow::Result<Self> {
        let mut corpus = Self { texts: Vec::new(), bytes: 0 };
        let mut pending = vec![directory.to_path_buf()];
        while let Some(path) = pending.pop()
            && corpus.bytes < CORPUS_BYTES
        {
            let kind = fs::symlink_metadata(&path)?;
            if kind.is_dir() {
                let below = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
                let mut below: Vec<PathBuf> = below.collect::<Result<_, _>>()?;
                below.sort();
                pending.extend(below.into_iter().rev());
            } else if kind.is_file() && kind.len() <= FILE_BYTES_MAX && is_source(&path) {
                let text = fs::read(&path)?;
                corpus.bytes += text.len();
                corpus.texts.push(text);
            }
        }
        anyhow::ensure!(corpus.bytes > 0, "no source text below {}", directory.display());
        Ok(corpus)
    }
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
}

fn directory() -> anyhow::Result<PathBuf> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    match arguments.next().as_deref() {
        None => {}
        Some("--corpus") => return Ok(arguments.next().context("--corpus what?")?.into()),
        Some(other) => bail!("unknown argument {other}: see the head of the bench"),
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    Ok(home.context("neither CARGO_HOME nor HOME is set: name a --corpus")?.join("registry/src"))
}
