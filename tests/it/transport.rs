//! How pushes arrive: git's own daemon, smart HTTP behind a web server, forges that call the hook.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::forge::{Forge, Repository, Said, Work, eventually, git, isolate};
use crate::token;

/// A server of the test's own; ends with it.
struct Server {
    child: Child,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn();
        let child = child.unwrap_or_else(|error| panic!("{error}: {command:?} (see tests/run)"));
        Self { child }
    }

    /// Waits until it takes connections.
    fn listening(self, port: u16) -> Self {
        eventually("a server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Returns where git keeps a program that is no command of its own.
fn git_program(name: &str) -> PathBuf {
    let output = git().arg("--exec-path").output().unwrap();
    Path::new(str::from_utf8(&output.stdout).unwrap().trim()).join(name)
}

/// A repository with a clean commit, and a clone in which a token is committed and not pushed yet.
fn leaking(forge: &Forge) -> (Repository<'_>, Work<'_>) {
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let secret = forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    (repository, work)
}

/// Returns who pushed the only incident: name, source, trust.
#[track_caller]
fn pusher(forge: &Forge) -> Value {
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    let pushers = incidents[0]["pushers"].as_array().unwrap();
    assert_eq!(pushers.len(), 1);
    json!([pushers[0]["name"], pushers[0]["source"], pushers[0]["trust"]])
}

#[track_caller]
fn assert_refused(said: &Said) {
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().starts_with("error: push refused - 1 credential in "), "{said:?}");
}

#[test]
fn the_git_daemon_names_nobody() {
    let forge = Forge::start();
    let (repository, work) = leaking(&forge);
    let port = free_port();
    let mut command = Command::new(git_program("git-daemon"));
    isolate(&mut command);
    command.args(["--listen=127.0.0.1", "--export-all", "--enable=receive-pack", "--reuseaddr"]);
    command.arg(format!("--port={port}")).arg(format!("--base-path={}", forge.path("").display()));
    let _server = Server::start(&mut command).listening(port);

    work.git(&["remote", "set-url", "origin", &format!("git://127.0.0.1:{port}/r.git")]);
    assert_refused(&work.push(&["HEAD:main"]));
    assert_eq!(pusher(&forge), json!([null, "nobody", "none"]));
    assert!(work.push(&["HEAD~1:refs/heads/clean"]).is_accepted());
    assert_eq!(repository.git(&["for-each-ref"]).out.lines().count(), 2);
}

/// nginx asks for a password and hands requests to git's CGI program through fcgiwrap.
fn web_server(forge: &Forge, user: &str, password: &str) -> (Server, Server, u16) {
    let (port, root) = (free_port(), forge.path(""));
    let root = root.display();
    std::fs::write(forge.path("htpasswd"), format!("{user}:{{PLAIN}}{password}\n")).unwrap();
    let program = git_program("git-http-backend");
    let config = format!(
        r#"daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/nginx.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {root}/body; fastcgi_temp_path {root}/fcgi; proxy_temp_path {root}/proxy;
    scgi_temp_path {root}/scgi; uwsgi_temp_path {root}/uwsgi;
    server {{
        listen 127.0.0.1:{port};
        auth_basic "git"; auth_basic_user_file {root}/htpasswd;
        client_max_body_size 0;
        location ~ ^(?<path>/.+)$ {{
            fastcgi_pass unix:{root}/fcgi.sock;
            fastcgi_param SCRIPT_FILENAME {program};
            fastcgi_param PATH_INFO $path;
            fastcgi_param GIT_PROJECT_ROOT {root};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param REMOTE_USER $remote_user;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
        }}
    }}
}}
"#,
        program = program.display()
    );
    std::fs::write(forge.path("nginx.conf"), config).unwrap();
    let mut wrap = Command::new("fcgiwrap");
    let wrap = Server::start(wrap.arg("-s").arg(format!("unix:{root}/fcgi.sock")));
    eventually("fcgiwrap listens", || forge.path("fcgi.sock").exists());
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(forge.path("")).arg("-c").arg(forge.path("nginx.conf"));
    let nginx = Server::start(nginx.arg("-e").arg(forge.path("nginx.log"))).listening(port);
    (wrap, nginx, port)
}

#[test]
fn smart_http_names_the_user_and_keeps_the_password() {
    let forge = Forge::start();
    let (repository, work) = leaking(&forge);
    // A hook that runs after ours bears witness that the password was there to be leaked.
    repository.chain("[ -z \"$HTTP_AUTHORIZATION\" ] || echo the hook was given the password");
    let password = forge.plant(token::random(24));
    let basic = forge.plant(BASE64_STANDARD.encode(format!("ana:{password}")));
    let (_wrap, _nginx, port) = web_server(&forge, "ana", &password);
    work.git(&["remote", "set-url", "origin", &format!("http://127.0.0.1:{port}/r.git")]);

    assert!(!work.push(&["HEAD~1:refs/heads/clean"]).is_accepted(), "it asks for a password");
    let header = format!("http.extraHeader=Authorization: Basic {basic}");
    let push = |refspec: &str| work.try_git(&["-c", &header, "push", "origin", refspec]);
    assert_refused(&push("HEAD:main"));
    assert_eq!(pusher(&forge), json!(["ana", "remote-user", "server"]));
    let said = push("HEAD~1:refs/heads/clean");
    assert!(said.is_accepted(), "{said:?}");
    assert_eq!(said.remote(), "the hook was given the password\n");
}

/// Pushes with the variables that a server sets, and looks at who is named.
#[track_caller]
fn check(variables: &[(&str, &str)], who: &Value, server: &str, name: Option<&str>) -> Said {
    let forge = Forge::start();
    let (_, work) = leaking(&forge);
    let said = push_with(&work, variables);
    assert!(!said.is_accepted(), "{said:?}");
    assert_eq!(&pusher(&forge), who);
    let push = &forge.json(["pushes", "list"])["pushes"][0];
    assert_eq!(push["server"], server);
    assert_eq!(push["repository_name"], json!(name));
    assert_eq!(push["verdict"], "refused");
    said
}

/// A local push: `git receive-pack` and the hook inherit the client's environment.
fn push_with(work: &Work<'_>, variables: &[(&str, &str)]) -> Said {
    let mut push = git();
    push.arg("-C").arg(&work.path).args(["push", "origin", "HEAD:main"]);
    push.env_remove("USER").env_remove("LOGNAME").envs(variables.iter().copied());
    work.forge.run(&mut push)
}

#[test]
fn a_push_by_path_names_no_person() {
    check(&[], &json!([null, "nobody", "none"]), "plain", None);
}

#[test]
fn a_shared_account_is_no_person() {
    check(&[("USER", "git")], &json!(["git", "unix-account", "account"]), "plain", None);
}

#[test]
fn gitolite() {
    let variables = [("GL_USER", "bo"), ("GL_REPO", "team/app"), ("GL_TID", "1"), ("USER", "git")];
    check(&variables, &json!(["bo", "gitolite", "server"]), "gitolite", Some("team/app"));
}

const GITLAB: [(&str, &str); 4] = [
    ("GL_USERNAME", "cy"),
    ("GL_ID", "user-7"),
    ("GL_REPOSITORY", "project-1"),
    ("GL_PROJECT_PATH", "group/app"),
];

#[test]
fn gitlab_over_ssh_gets_one_line_for_its_interface_too() {
    let variables = [&GITLAB[..], &[("GL_PROTOCOL", "ssh")]].concat();
    let said = check(&variables, &json!(["cy", "gitlab", "server"]), "gitlab", Some("group/app"));
    let text = said.remote();
    assert!(text.starts_with("error: push refused - "), "{text}");
    let marked = text.lines().filter(|line| line.starts_with("GL-HOOK-ERR: "));
    assert_eq!(marked.count(), 1, "{text}");
}

#[test]
fn gitlab_on_the_web_gets_one_line() {
    let variables = [&GITLAB[..], &[("GL_PROTOCOL", "web")]].concat();
    let said = check(&variables, &json!(["cy", "gitlab", "server"]), "gitlab", Some("group/app"));
    let text = said.remote();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("GL-HOOK-ERR: push refused - 1 credential in 1 commit. "), "{text}");
    assert!(text.contains("a.env:1") && text.contains("TKT-1"), "{text}");
}

#[test]
fn gitea_and_forgejo() {
    let variables = [
        ("GITEA_PUSHER_NAME", "di"),
        ("GITEA_PUSHER_ID", "9"),
        ("GITEA_REPO_USER_NAME", "org"),
        ("GITEA_REPO_NAME", "app"),
        ("SSH_ORIGINAL_COMMAND", "gitea-internal"),
    ];
    check(&variables, &json!(["di", "gitea", "server"]), "gitea", Some("org/app"));
}

#[test]
fn what_the_forge_itself_pushes_is_screened_too() {
    let variables = [
        ("GITEA_PUSHER_NAME", "di"),
        ("GITEA_REPO_USER_NAME", "org"),
        ("GITEA_REPO_NAME", "app"),
        ("GITEA_INTERNAL_PUSH", "true"),
        ("GITEA_PUSH_TRIGGER", "pr-merge-to-base"),
    ];
    check(&variables, &json!(["di", "gitea", "server"]), "gitea", Some("org/app"));
}

#[test]
fn github_enterprise_server() {
    let variables = [
        ("GITHUB_USER_LOGIN", "ed"),
        ("GITHUB_USER_IP", "192.0.2.7"),
        ("GITHUB_REPO_NAME", "org/app"),
        ("GITHUB_VIA", "blob#save"),
    ];
    check(&variables, &json!(["ed", "ghes", "server"]), "ghes", Some("org/app"));
}

#[test]
fn bitbucket_data_center() {
    let variables = [
        ("BB_USER_NAME", "fy"),
        ("BB_PROJECT_KEY", "PRJ"),
        ("BB_REPO_SLUG", "app"),
        ("BB_HOOK_TRIGGER_ID", "push"),
    ];
    check(&variables, &json!(["fy", "bitbucket", "server"]), "bitbucket", Some("PRJ/app"));
}

#[test]
fn an_environment_full_of_secrets_stays_where_it_is() {
    let forge = Forge::start();
    let (_, work) = leaking(&forge);
    let password = forge.plant(token::github());
    let names = ["HTTP_AUTHORIZATION", "HTTP_COOKIE", "DATABASE_URL", "GL_TOKEN", "SSH_AUTH_SOCK"];
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, &*password)).collect();
    assert_refused(&push_with(&work, &variables));
}

#[test]
fn a_secret_in_a_claim_is_masked() {
    let forge = Forge::start();
    let (_, work) = leaking(&forge);
    let secret = forge.plant(token::github());
    let said = push_with(&work, &[("GL_USER", &secret), ("GL_REPO", "team/app")]);
    assert_refused(&said);
    assert_eq!(pusher(&forge), json!(["********", "gitolite", "server"]));
}

#[test]
fn a_client_that_is_killed_leaves_its_record() {
    let forge = Forge::start();
    let (repository, work) = leaking(&forge);
    // The daemon is held until the client is gone; the hook is told to have patience with it.
    repository.set("hello_timeout_ms", "20000");
    forge.signal("STOP");
    let mut client = git();
    client.arg("-C").arg(&work.path).args(["push", "-q", "origin", "HEAD:main"]);
    let client = client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut client = client.spawn().unwrap();
    eventually("the hook runs", || hook_runs(&repository));
    client.kill().unwrap();
    client.wait().unwrap();
    forge.signal("CONT");

    eventually("the record is made", || !forge.incidents().is_empty());
    assert_eq!(forge.incidents()[0]["exposure"], "refused");
    assert_eq!(forge.tickets().len(), 1);
    eventually("the hook ends", || !hook_runs(&repository));
    assert_eq!(repository.git(&["rev-list", "--all", "--count"]).out, "1\n");
}

/// Whether a hook runs in the repository: git starts it there, by a relative name.
fn hook_runs(repository: &Repository<'_>) -> bool {
    let is_hook = |process: &Path| {
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        command.starts_with(b"hooks/pre-receive\0")
            && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == repository.path)
    };
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.into_iter().any(|process| is_hook(&process.path()))
}

#[test]
fn repositories_beside_the_first_are_guarded_like_it() {
    let forge = Forge::start();
    for name in ["app.git", "app.wiki.git", "group/app.design.git", "@hashed/ab/cd.git"] {
        std::fs::create_dir_all(forge.path(name).parent().unwrap()).unwrap();
        let work = forge.repository(name).clone_as(&format!("work/{name}"));
        let secret = forge.plant(token::github());
        work.commit("Home.md", format!("Log in with `{secret}`.\n"), "page");
        assert_refused(&work.push(&["HEAD:main"]));
    }
    assert_eq!(forge.incidents().len(), 4);
    assert_eq!(forge.tickets().len(), 4);
}

#[test]
fn the_proof_of_a_hook_leaves_no_incident() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    for _ in 0..2 {
        let said = forge.cli(["hooks".as_ref(), "status".as_ref(), repository.path.as_os_str()]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    assert!(forge.incidents().is_empty());
    assert!(forge.tickets().is_empty());
    assert_eq!(repository.git(&["for-each-ref"]).out, "");
    assert!(repository.git(&["count-objects"]).out.starts_with("0 objects"));
    repository.unguarded(|| {
        let said = forge.cli(["hooks".as_ref(), "status".as_ref(), repository.path.as_os_str()]);
        assert_ne!(said.code, 0, "{said:?}");
    });
}
