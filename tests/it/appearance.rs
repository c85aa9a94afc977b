//! How the HTML report looks in a real browser: what is on paper, and whether
//! its text can be read, in light and in dark.

use std::path::PathBuf;

use serde_json::Value;

use crate::browser::visit;
use crate::owners::ending_in;
use crate::program::Inventory;
use crate::servers::{Authority, Key, SServer};

const SEVERITIES: [&str; 5] = ["critical", "error", "warning", "notice", "info"];

/// A page with something in every part of it, and rows of every severity.
struct Page {
    _inventory: Inventory,
    path: PathBuf,
}

impl Page {
    fn new() -> Self {
        let inventory = Inventory::new();
        let authority = Authority::new();
        let start = |name| SServer::start(&authority.identity(name, Key::Ecdsa), &["-tls1_2"]);
        let goes = start("goes.sweep.test");
        let mut targets = vec![goes.address.to_string()];
        inventory.sweep(&targets);
        drop(goes);
        let comes = start("comes.sweep.test");
        targets.push(comes.address.to_string());
        inventory.sweep(&targets);
        let mut policy = vec!["[[owner]]\nowner = \"lab\"".to_owned()];
        for (days, severity) in (500..).zip(SEVERITIES.into_iter().chain(["off"])) {
            let import = ending_in(&inventory, days);
            inventory.run("import", &[import]).exits(0);
            let rules = ["ca-as-leaf", "eku-missing", "self-signed"];
            let rules = rules
                .map(|rule| format!("{rule} = \"{severity}\""))
                .join(", ");
            let names = format!("names = [\"in-{days}-days.*\"]");
            policy.push(format!(
                "[[policy.override]]\n{names}\nrules = {{ {rules} }}"
            ));
        }
        let imports = [-1, 5, 20].map(|days| ending_in(&inventory, days));
        inventory.run("import", &imports).exits(0);
        let config = inventory.file("c.toml", &policy.join("\n"));
        let path = inventory.path().with_file_name("page.html");
        let words = ["--format", "html", "-o", path.to_str().unwrap(), "--config"];
        inventory
            .run(
                "report",
                &[&words[..], &[config.to_str().unwrap()]].concat(),
            )
            .exits(0);
        Self {
            _inventory: inventory,
            path,
        }
    }

    /// What each of these expressions is, in this medium and colour scheme.
    #[track_caller]
    fn shown(&self, medium: &str, scheme: &str, expressions: &[&str]) -> Vec<Value> {
        let show = format!("show {medium} {scheme}");
        let steps = [&[&*show], expressions].concat();
        let visit = visit(&self.path, &steps);
        assert_eq!(visit.complaints, [] as [String; 0]);
        visit.results.into_iter().skip(1).collect()
    }
}

/// How many elements these selectors pick, and how many of them are seen.
fn seen(selectors: &str) -> String {
    format!(
        "((all) => [all.length, all.filter((it) => it.checkVisibility({{ \
            contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true }}) && \
            it.getClientRects().length > 0).length])\
            ([...document.querySelectorAll('{selectors}')])"
    )
}

/// What somebody works the page with.
const CONTROLS: &str = "button, input, select, summary, nav a, .skip, form, #pages";

/// What the page tells, but for what is folded away and the table of
/// installations.
const TOLD: &str = "h1, h2, h3, h4, .headlines li, .legend li, .rules article, .timeline, \
    .chart tbody tr, footer dt, footer dd";

const CHANGES: &str = "#changes tbody tr";

const INSTALLATIONS: &str = "#table tbody tr";

/// What takes the place of the installations on paper.
const INSTEAD: &str = ".paper";

#[test]
fn on_paper_is_all_that_is_told_and_nothing_to_work_it_with() {
    let page = Page::new();
    let parts = [CONTROLS, TOLD, CHANGES, INSTALLATIONS, INSTEAD].map(seen);
    let parts = parts.each_ref().map(String::as_str);
    let counts = |medium, scheme| -> [[u64; 2]; 5] {
        let counts = page.shown(medium, scheme, &parts).into_iter();
        let counts: Vec<_> = counts
            .map(|it| serde_json::from_value(it).unwrap())
            .collect();
        counts.try_into().unwrap()
    };
    let on_screen = counts("screen", "light");
    let [controls, told, changes, installations, instead] = on_screen.map(|[all, _]| all);
    assert!(controls > 30 && told > 60, "{on_screen:?}");
    assert_eq!([changes, installations, instead], [2, 11, 1]);
    let seen = |counts: [[u64; 2]; 5]| counts.map(|[_, seen]| seen);
    assert_eq!(seen(on_screen), [controls, told, 0, installations, 0]);
    for scheme in ["light", "dark"] {
        let on_paper = counts("print", scheme);
        assert_eq!(seen(on_paper), [0, told, changes, 0, instead], "{scheme}");
    }
}

/// `[how many texts there are, those that are hard to read]`: all text that is
/// seen, but of controls that are of no use now, by the contrast of its colour
/// and what is behind it (WCAG 2.2, "contrast ratio" and "relative
/// luminance").
const CONTRASTS: &str = "(() => { \
    document.querySelectorAll('details').forEach((it) => it.open = true); \
    const parts = (colour) => { \
        const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number); \
        return [red, green, blue, alpha]; }; \
    const over = (above, below) => [0, 1, 2].map((nth) => \
        above[nth] * above[3] + below[nth] * (1 - above[3])).concat(1); \
    const behind = (it) => { \
        if (it === null) throw 'nothing is behind the page'; \
        const ground = parts(getComputedStyle(it).backgroundColor); \
        return ground[3] === 1 ? ground : over(ground, behind(it.parentElement)); }; \
    const luminance = (colour) => { \
        const [red, green, blue] = colour.slice(0, 3).map((it) => it / 255).map((it) => \
            it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4); \
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue; }; \
    const contrast = (it) => { \
        const style = getComputedStyle(it); \
        const ground = behind(it); \
        const ink = parts(it instanceof SVGElement ? style.fill : style.color); \
        const [one, other] = [over(ink, ground), ground].map(luminance); \
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05); }; \
    const texts = [...document.body.querySelectorAll('*')].filter((it) => \
        !it.matches('script, noscript, title, desc, option, :disabled, .skip') && \
        it.checkVisibility() && it.getClientRects().length > 0 && \
        parts(getComputedStyle(it).color)[3] > 0 && \
        [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')); \
    const hard = texts.map((it) => [contrast(it), it]).filter(([ratio]) => ratio < 4.5); \
    return [texts.length, hard.map(([ratio, it]) => \
        ratio.toFixed(2) + ' ' + it.localName + '.' + it.className + ' ' + it.textContent)]; })()";

/// Whether the page is written in a light colour on a dark one.
const IS_DARK: &str = "(([ink, ground]) => ink > ground)\
    (['color', 'backgroundColor'].map((it) => \
        Number(getComputedStyle(document.body)[it].match(/\\d+/)[0])))";

#[test]
fn all_text_can_be_read_in_light_and_in_dark_and_on_paper() {
    let page = Page::new();
    let marks = "[...document.querySelectorAll('#table .mark')].map((it) => it.textContent)";
    // Too pale for a light ground, and too dark for a dark one.
    let grey = "document.documentElement.style.setProperty('--soft', '#808080')";
    let expressions = [CONTRASTS, marks, IS_DARK, grey, CONTRASTS];
    for (medium, scheme, dark) in [
        ("screen", "light", false),
        ("screen", "dark", true),
        ("print", "light", false),
        ("print", "dark", false),
    ] {
        let shown = page.shown(medium, scheme, &expressions);
        let [texts, marks, is_dark, _, grey] = &shown[..] else {
            panic!("{shown:?}");
        };
        let hard_ones =
            |of: &Value| -> (u64, Vec<String>) { serde_json::from_value(of.clone()).unwrap() };
        let (texts, hard) = hard_ones(texts);
        assert_eq!(hard, [] as [String; 0], "{medium} {scheme}");
        assert!(texts > 150, "{texts} texts");
        for severity in SEVERITIES.iter().chain(&["none"]) {
            let mut marks = marks.as_array().unwrap().iter();
            assert!(marks.any(|it| it == severity), "no {severity}");
        }
        assert_eq!(is_dark, dark, "{medium} {scheme}");
        let (_, hard) = hard_ones(grey);
        assert!(hard.len() > 20, "the measure finds nothing: {hard:?}");
    }
}
