//! The admin API as a program meets it that is not ours: whatever is wrong with a request, the
//! answer has one shape.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::forge::{Forge, PATIENCE};
use crate::token;

/// What the daemon answered: its head and the JSON of its body.
struct Answer {
    head: String,
    body: Value,
}

/// Writes a request to the real socket, byte by byte as given, and reads until the daemon hangs up.
fn ask(forge: &Forge, request: &[u8]) -> Answer {
    let mut stream = UnixStream::connect(forge.path("i/run/admin/admin.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A body that is refused unread closes the connection while we still write.
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    Answer { head: head.to_lowercase(), body }
}

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[track_caller]
fn check(forge: &Forge, request: &[u8], status: u16, code: &str) -> Answer {
    let answer = ask(forge, request);
    let error = &answer.body["error"];
    assert!(answer.head.starts_with(&format!("http/1.1 {status} ")), "{}", answer.head);
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    assert_eq!(error["code"], code, "{error}");
    for field in ["message", "remedy"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {error}");
    }
    answer
}

const JSON: &str = "content-type: application/json\r\n";

#[test]
fn whatever_is_wrong_with_a_request_the_answer_has_one_shape() {
    let forge = Forge::start();
    let check = |request: Vec<u8>, status, code| check(&forge, &request, status, code);
    let post = |path: &str, headers, body: &str| request(&format!("POST {path}"), headers, body);
    let get = |path: &str| request(&format!("GET {path}"), "", "");

    check(get("/v1/nothing"), 404, "no-route");
    check(get("/"), 404, "no-route");
    check(get("/v1/incidents/INC-77"), 404, "not-found");
    check(get("/v1/incidents/nonsense"), 400, "invalid");
    check(get("/v1/incidents/%FF"), 400, "bad-path");
    check(get("/v1/incidents?limit=many"), 400, "bad-query");
    check(get("/v1/incidents?limit=-1"), 400, "bad-query");
    check(get("/v1/incidents?unowned=perhaps"), 400, "bad-query");
    check(get("/v1/incidents?state=nonsense"), 400, "invalid");
    check(get("/v1/tickets?after=nonsense"), 400, "invalid");

    let wrong = check(request("DELETE /v1/grants", "", ""), 405, "wrong-method");
    assert!(wrong.head.contains("allow: get,head,post"), "{}", wrong.head);
    check(get("/v1/incidents/INC-1/dismiss"), 405, "wrong-method");

    let reason = r#"{"reason": "x"}"#;
    check(post("/v1/tickets/TKT-1/close", "", reason), 415, "wrong-content-type");
    let text = "content-type: text/plain\r\n";
    check(post("/v1/tickets/TKT-1/close", text, reason), 415, "wrong-content-type");
    let charset = "content-type: Application/JSON; charset=utf-8\r\n";
    check(post("/v1/tickets/TKT-1/close", charset, reason), 404, "not-found");
    check(post("/v1/tickets/TKT-1/close", JSON, ""), 400, "malformed-json");
    check(post("/v1/tickets/TKT-1/close", JSON, "{\"reason\": "), 400, "malformed-json");
    check(post("/v1/tickets/TKT-1/close", JSON, r#"{"reason": "x"} x"#), 400, "malformed-json");
    check(post("/v1/tickets/TKT-1/close", JSON, r#"{"reason": 5}"#), 422, "wrong-shape");
    let missing = check(post("/v1/tickets/TKT-1/close", JSON, "{}"), 422, "wrong-shape");
    assert_eq!(missing.body["error"]["message"], "the body has no `reason`");

    let long = format!("{{\"reason\": \"{}\"}}", "x".repeat(17_000_000));
    check(post("/v1/tickets/TKT-1/close", JSON, &long), 413, "too-large");
}

#[test]
fn an_answer_never_repeats_what_it_was_sent() {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    for body in [
        format!(r#"{{"secrets": "{secret}"}}"#),
        format!(r#"{{"secrets": [{{"name": "a", "value": ["{secret}"]}}]}}"#),
        format!(r#"{{"secrets": [{{"name": "a", "value": "{secret}", "owner": {{}}}}]}}"#),
        format!(r#"{{"{secret}": [}}"#),
        format!(r#"{{"secrets": [{{"name": "a", "value": "!{secret}"}}]}}"#),
    ] {
        let answer = ask(&forge, &request("POST /v1/inventory", JSON, &body));
        assert!(answer.head.starts_with("http/1.1 4"), "{}", answer.head);
        assert!(!answer.body.to_string().contains(&secret), "{}", answer.body);
    }
}
