//! What names, banners and notes may say to harm whoever reads them.

/// Formulas, markup, scripts, words of terminals, of mail, of SQL and of
/// metrics, text that runs backwards, ends of lines, of strings and of paths,
/// and values of 64 KiB. In a page `owned` is what any of it that ran would
/// have set.
pub(crate) fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        // Spreadsheets.
        "=cmd|' /C calc'!A1",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r\n=1",
        "\u{a0}\u{feff}=1",
        // Browsers.
        "<script>window.owned=1</script>",
        "</script><script>window.owned=1</script>",
        "<!--<script>",
        "--></table></main><h1>owned</h1>",
        "</style><img src=x onerror=window.owned=1>",
        "<svg onload=window.owned=1>",
        "<img src=http://127.0.0.1:9/owned.png>",
        "<link rel=stylesheet href=http://127.0.0.1:9/owned.css>",
        "<meta http-equiv=refresh content=0;url=http://127.0.0.1:9/>",
        "<base href=http://127.0.0.1:9/>",
        "\" onmouseover=\"window.owned=1",
        "' autofocus onfocus='window.owned=1",
        "{{ 7 * 7 }}${7*7}",
        "&lt;b&gt;&#60;b&#62;",
        "javascript:window.owned=1",
        "\\u003cscript>window.owned=1</script>",
        "__proto__",
        "constructor",
        // Terminals, and whoever reads them.
        "\x1b[2J\x1b]0;owned\x07",
        "\u{9b}31m",
        "\u{202e}gnp.exe\u{2066}",
        "nul\0after",
        "two\r\nlines\u{2028}and\u{2029}more",
        // Files.
        "../../../../etc/passwd",
        "..\\..\\windows",
        "/",
        // Lists, metrics, mail, SQL and PEM.
        "a|b\\|c\\",
        "\"} 1\ncertsweep_check_state{state=\"ok\"} 1\n",
        "x\r\nBcc: all@example.com\r\n\r\nowned",
        "--_certsweep_",
        "=?utf-8?Q?=0d=0aBcc:_all@example.com?=",
        "'; drop table certificates; --",
        "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("=".repeat(64 * 1024));
    texts.push("<b>".repeat(64 * 1024 / 3));
    texts.push("\u{202e}".repeat(64 * 1024 / 3));
    texts
}
