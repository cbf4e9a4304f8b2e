//! Scans of small texts, and of any text at all.

use proptest::prelude::*;

use super::*;

/// Tokens as one string: words as `w`, signs as themselves, strings as `s`, comments as `c`/`d`, breaks as `/`; then `|` and what closes the rest.
fn check(language: &str, text: &str, expected: &str) {
    let facts = pennyworth_grammars::by_name(language).expect(language).facts();
    assert_eq!(shown(&scan(text, facts)), expected, "{language}: {text:?}");
}

fn shown(scan: &Scan) -> String {
    let mut shown: String = scan
        .tokens
        .iter()
        .map(|token| match token.kind {
            Kind::Word => 'w',
            Kind::Open(c) | Kind::Close(c) | Kind::Sign(c) => c,
            Kind::Comment { doc: true, .. } => 'd',
            Kind::Comment { .. } => 'c',
            Kind::String => 's',
            Kind::Break => '/',
        })
        .collect();
    shown.push('|');
    shown.push_str(&scan.closers(0));
    shown
}

#[test]
fn strings_comments_and_brackets() {
    for (language, text, expected) in [
        ("rust", "let x = 'a';", "ww=s;|"),
        ("rust", "fn f<'a>(x: &'a str) {", "ww<'w>(w:&'ww){|}"),
        ("rust", "r#\"a\"b\"# + r##\"x\"#", "s+s|\"##"),
        ("rust", "/* a /* b */", "c|*/"),
        ("rust", "/// doc\n//// rule\n//! d", "d/c/d|"),
        ("rust", "a(b[c { \")\" /* } */", "w(w[w{sc|}])"),
        ("rust", "foo(\"bar", "w(s|\")"),
        ("rust", "1..2 1.5 1.max", "w..ww w.w|".replace(' ', "").as_str()),
        ("python", "f'a{b + \"c\"}d' # x", "sw+ssc|"),
        ("python", "f'a{{b}}'", "s|"),
        ("python", "f'a{b", "sw|}'"),
        ("python", "x = '''a\nb'''\ny = 'a\nz", "w=s/w=s/w|"),
        ("python", "x = \"\"\"a\nb", "w=s|\"\"\""),
        ("javascript", "a / b / c; x = /[/]'/g", "w/w/w;w=s|"),
        ("javascript", "`a${b(`c`)}d` + e", "sw(s)s+w|"),
        ("bash", "echo ${#x} $# a#b # c", "w${#w}$#w#wc|"),
        ("bash", "cat <<EOF\n\" ( EOF\nEOF\nls", "ws/s/w|"),
        ("bash", "cat <<-'E'\nabc", "ws/s|\nE"),
        ("ruby", "x << FOO", "w<<w|"),
        ("ruby", "x = <<~FOO\n a'\n FOO\ny", "w=s/s/w|"),
        ("ruby", "=begin\n'\n=end\nx =begin", "c/w=w|\nend"),
        ("php", "#[A('x')]\n# c\n$x = <<<EOT\n\" \nEOT;", "#[w(s)]/c/w=s/s;|"),
        ("lua", "--[[ a\nb ]] x = [[ y ]] -- z", "cw=sc|"),
        ("cpp", "int x = 1'000'000;", "ww=w;|"),
        ("css", "a { color: red; /* x", "w{w:w;c|*/}"),
        ("ruby", "def f\n  x if y\n  z.each do |a|\n while b do", "ww/www/w.ww|w|/www|\nend\nend\nend"),
        ("ruby", "x = if y then z else w end\nfoo.end", "w=wwwwwww/w.w|"),
        ("lua", "local f = function() for i=1,2 do if x then end", "ww=w()ww=w,wwwwww| end end"),
        ("bash", "if x; then\nfor i in a; do\necho fi", "ww;w/wwww;w/ww|"),
        ("swift", r#""a\(f(1))b" + "\\(x)""#, "sw(w)s+s|"),
        ("rust", ") }", ")}|"),
        ("rust", "( ]", "(]|)"),
    ] {
        check(language, text, expected);
    }
}

#[test]
fn tags_and_elements_where_a_language_has_them() {
    let facts = pennyworth_grammars::by_name("tsx").expect("tsx").facts();
    for (text, expected) in [
        ("<", "<| />"),
        ("return (<A", "w(<w| />)"),
        ("x = <a.B c=\"d\" e={f} ", "w=<w.ww=sw={w}| />"),
        ("<a b={", "<ww={|} />"),
        ("<a>don't // x {y}", "<w>w'w//w{w}|</a>"),
        ("<a><b c /><>d</", "<w><ww><>w</|></a>"),
        ("<a><b>c</b>", "<w><w>w</w>|</a>"),
        ("<a><b>c</a>", "<w><w>w</w>|"),
        ("<a><b>c</b", "<w><w>w</w|></a>"),
        ("<a><b>c</", "<w><w>w</|></a>"),
        ("{x && <a>}", "{w&&<w>}|"),
        ("<a\n<b />", "<w/<w>|</a>"),
        ("<a b=\"c", "<ww=s|\" />"),
        ("<a b=\"c\nd", "<ww=s/w| />"),
        ("a < b; f<T>(x); g = <T,>(x) => x; h = <T>(x) => x", "w<w;w<w>(w);w=<w,>(w)=>w;w=<w>(w)=>w|"),
    ] {
        assert_eq!(shown(&scan_tags(text, facts)), expected, "{text:?}");
    }
    assert_eq!(scan_tags("b</a>", facts).unopened, [1]);
    let facts = pennyworth_grammars::by_name("typescript").expect("typescript").facts();
    assert_eq!(shown(&scan_tags("x = <a>b('", facts)), "w=<w>w(s|')");
}

#[test]
fn a_comment_or_string_at_the_end_is_what_the_cursor_is_in() {
    let facts = pennyworth_grammars::by_name("rust").expect("rust").facts();
    assert!(matches!(scan("x // y", facts).literal(), Some(Open { nest: Nest::Comment { doc: false, .. }, start: 2 })));
    assert!(scan("x // y\n", facts).literal().is_none());
    assert!(matches!(scan("x(\"a", facts).literal(), Some(Open { nest: Nest::String { .. }, start: 2 })));
    assert!(scan("x(\"a\"", facts).literal().is_none());
    let facts = pennyworth_grammars::by_name("bash").expect("bash").facts();
    let body = scan("<<E\n", facts);
    assert!(matches!(body.literal(), Some(Open { nest: Nest::String { .. }, start: 4 })));
    assert!(body.tokens.iter().all(|token| token.end > token.start), "a token without text");
    assert_eq!(scan("<<\"a\u{1f600}", facts).tokens[0].end, 4, "no quote closes it");
}

proptest! {
    #[test]
    fn tokens_of_any_text_are_in_order_and_on_characters(text in "[a-z ({\\[\\])}\"'`#/*<$=\\\\\\n\u{e9}\u{1f600}EOF-]{0,80}") {
        for language in pennyworth_grammars::all() {
            for scan in [scan(&text, language.facts()), scan_tags(&text, language.facts())] {
                let mut at = 0;
                for token in &scan.tokens {
                    prop_assert!(token.start >= at && token.end > token.start, "{language:?} {token:?}");
                    prop_assert!(text.get(token.start..token.end).is_some());
                    at = token.end;
                }
                prop_assert!(at <= text.len());
                prop_assert!(scan.unopened.iter().all(|index| *index < scan.tokens.len()));
            }
        }
    }
}
