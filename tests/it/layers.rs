//! The source keeps to its layers: every module imports only from those before
//! it, and what one module alone may do, no other does.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The modules in their order (ARCHITECTURE.md).
const ORDER: [&str; 18] = [
    "domain",
    "target",
    "tls",
    "starttls",
    "x509",
    "judge",
    "report",
    "pace",
    "net",
    "resolve",
    "store",
    "appraisal",
    "probe",
    "schedule",
    "scan",
    "config",
    "demo",
    "cli",
];

/// Words that only some files may hold, and the start of those files' paths.
const RESERVED: [(&[&str], &[&str]); 10] = [
    (&["x509_parser"], &["x509"]),
    (&["jiff"], &["schedule"]),
    (&["webpki"], &["judge/chain/modern_client.rs"]),
    (&["sqlx"], &["store"]),
    (&["anyhow"], &["cli", "main.rs"]),
    (&["SystemTime", ":", ":", "now"], &["domain/clock.rs"]),
    (
        &["OffsetDateTime", ":", ":", "now_utc"],
        &["domain/clock.rs"],
    ),
    (&["println", "!"], &["cli/printer.rs"]),
    (&["eprintln", "!"], &["cli/printer.rs"]),
    (&["stdout"], &["cli/printer.rs"]),
];

/// A rule broken, and where.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    line: usize,
    what: String,
}

/// A word or a sign of a source file, and its line.
struct Token {
    text: String,
    line: usize,
}

#[test]
fn every_module_keeps_to_its_layer() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(files.len() > 20, "only these were found: {files:?}");
    let mut breaches = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(&source)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = fs::read_to_string(&file).unwrap();
        for Breach { line, what } in check(&path, &text) {
            breaches.push(format!("src/{path}:{line}: {what}"));
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let upward = [
        "use crate::scan::Engine;",
        "use crate::{domain::Port, scan::{self, Engine}};",
        "use crate::{\n    net,\n    domain::{Port, Host},\n    scan,\n};",
        "fn f() { let plan = crate::scan::plan(); }",
        "fn f(plan: &crate :: scan :: Plan) {}",
        "pub(crate) use super::super::scan::Engine;",
        "macro_rules! m { () => { $crate::scan::plan() } }",
        "#[cfg(test)] mod tests { use crate::scan::Engine; }",
    ];
    for text in upward {
        let found: Vec<_> = check("net/dialer.rs", text)
            .into_iter()
            .map(|breach| breach.what)
            .collect();
        assert_eq!(
            found,
            ["`net` imports `scan`, which stands after it"],
            "in {text}"
        );
    }
}

#[test]
fn downward_imports_and_mere_words_are_allowed() {
    let allowed = [
        "use crate::{domain::{Port, Endpoint}, pace::Pass};",
        "use crate::net::stream;",
        "use super::scan::Scan;",
        "mod tests { use super::super::Dialer; }",
        "/// See crate::scan::Engine.\nfn f() { g(\"crate::scan sqlx println!\"); } // crate::cli",
        "fn f<'crate_life>() { let c = '\"'; let scan = 1; }",
    ];
    for text in allowed {
        assert_eq!(check("net/dialer.rs", text), [], "in {text}");
    }
    assert_eq!(
        check(
            "main.rs",
            "use certsweep::cli; fn main() -> anyhow::Result<()> {}"
        ),
        []
    );
}

#[test]
fn reserved_words_are_found_outside_their_place() {
    let reserved = [
        ("use x509_parser::prelude::*;", "x509/facts.rs"),
        (
            "async fn f(pool: &sqlx::SqlitePool) {}",
            "store/sqlite/mod.rs",
        ),
        ("fn f() -> anyhow::Result<()> {}", "cli/scan.rs"),
        (
            "fn f() { std::time::SystemTime::now(); }",
            "domain/clock.rs",
        ),
        ("fn f() { println!(\"hello\"); }", "cli/printer.rs"),
        ("fn f() { eprintln!(\"hello\"); }", "cli/printer.rs"),
        ("fn f() { std::io::stdout().lock(); }", "cli/printer.rs"),
    ];
    for (text, home) in reserved {
        assert_eq!(check(home, text), [], "in {text}");
        assert_eq!(check("probe/prober.rs", text).len(), 1, "in {text}");
    }
}

#[test]
fn a_module_outside_the_order_is_found() {
    let found = check("utils/mod.rs", "");
    assert_eq!(found.len(), 1);
    assert!(found[0].what.contains("`utils` has no place"), "{found:?}");
}

#[test]
fn a_breach_is_named_with_its_line() {
    let found = check(
        "domain/port.rs",
        "//! A port.\n\nuse crate::{\n    net::Dialer,\n};\n",
    );
    assert_eq!(found[0].line, 4);
}

/// Every breach in one file, given its path below `src/`.
fn check(path: &str, text: &str) -> Vec<Breach> {
    let tokens: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("src/{path} is not Rust: {error}"));
    let mut flat = Vec::new();
    flatten(tokens, &mut flat);
    let mut breaches = reserved_words(path, &flat);
    if !["main.rs", "lib.rs"].contains(&path) {
        breaches.extend(upward_imports(path, &flat));
    }
    breaches
}

fn reserved_words(path: &str, tokens: &[Token]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (words, homes) in RESERVED {
        if homes.iter().any(|home| path.starts_with(home)) {
            continue;
        }
        for place in tokens.windows(words.len()) {
            if place
                .iter()
                .map(|token| token.text.as_str())
                .eq(words.iter().copied())
            {
                let what = format!("`{}` belongs in {}", words.concat(), homes.join(" or "));
                breaches.push(Breach {
                    line: place[0].line,
                    what,
                });
            }
        }
    }
    breaches
}

fn upward_imports(path: &str, tokens: &[Token]) -> Vec<Breach> {
    let module = path.split(['/', '.']).next().unwrap_or(path);
    let Some(rank) = rank(module) else {
        let what = format!("`{module}` has no place in the order of modules");
        return vec![Breach { line: 1, what }];
    };
    let depth = path.trim_end_matches("/mod.rs").split('/').count();
    let mut breaches = Vec::new();
    for at in 0..tokens.len() {
        for imported in imports_at(tokens, at, depth) {
            let other = &imported.text;
            if self::rank(other).is_some_and(|other| other > rank) {
                let what = format!("`{module}` imports `{other}`, which stands after it");
                breaches.push(Breach {
                    line: imported.line,
                    what,
                });
            }
        }
    }
    breaches
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// The names that a path from the crate's root, beginning at this token, leads
/// to: `crate::NAME`, `crate::{NAME, NAME}`, or as many `super::` as lead out
/// of a file this deep.
fn imports_at(tokens: &[Token], at: usize, depth: usize) -> Vec<&Token> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    let step = |at: usize, word: &str| is(at, word) && is(at + 1, ":") && is(at + 2, ":");
    let mut next = at;
    if step(at, "crate") {
        next += 3;
    } else {
        let inside_a_chain = at >= 3 && step(at - 3, "super");
        while step(next, "super") {
            next += 3;
        }
        if inside_a_chain || (next - at) / 3 < depth {
            return Vec::new();
        }
    }
    if !is(next, "{") {
        return tokens.get(next).into_iter().collect();
    }
    // The names that follow the group's own brace and its own commas.
    let (mut names, mut level) = (Vec::new(), 0_u32);
    for pair in tokens[next..].windows(2) {
        match pair[0].text.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            _ => {}
        }
        if level == 0 {
            break;
        }
        if level == 1 && ["{", ","].contains(&pair[0].text.as_str()) {
            names.push(&pair[1]);
        }
    }
    names
}

/// Words and signs in their order. Comments are gone, and what literals hold is
/// not looked at.
fn flatten(tokens: TokenStream, flat: &mut Vec<Token>) {
    for token in tokens {
        let line = token.span().start().line;
        let mut push = |text: &str| {
            flat.push(Token {
                text: text.to_owned(),
                line,
            });
        };
        match token {
            TokenTree::Ident(word) => push(&word.to_string()),
            TokenTree::Punct(sign) => push(&sign.to_string()),
            TokenTree::Literal(_) => push("literal"),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open);
                flatten(group.stream(), flat);
                flat.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                });
            }
        }
    }
}

/// Every Rust file below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
