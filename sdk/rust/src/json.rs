// SPDX-License-Identifier: Apache-2.0
//! The little JSON that a plugin needs: to read its settings and requests, and to write data and answers. Reading trusts
//! that the text is JSON: other text is safe to read, but its faults are not told.

/// One JSON object. Keys may be dotted: "limits.connections". A key that is not there, is null or has another type gives
/// nothing.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    text: &'a str,
}

impl<'a> Object<'a> {
    pub fn new(text: &'a str) -> Self {
        Object { text }
    }

    /// The value as JSON.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        key.split('.').try_fold(self.text, member)
    }

    pub fn text(&self, key: &str) -> Option<String> {
        unquote(self.raw(key)?)
    }

    pub fn integer(&self, key: &str) -> Option<i64> {
        self.raw(key)?.parse().ok()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.raw(key)?.parse().ok()
    }

    /// The handle of a secret, for `Host::reveal`; nothing: it is not set.
    pub fn secret(&self, key: &str) -> Option<u64> {
        member(self.raw(key)?, "secret")?.parse().ok()
    }
}

/// Text as a JSON string, with its quotes.
pub fn json_text(plain: &str) -> String {
    let mut quoted = String::with_capacity(plain.len() + 2);
    quoted.push('"');
    for each in plain.chars() {
        match each {
            '"' | '\\' => quoted.extend(['\\', each]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Writes one JSON object, member by member: `JsonWriter::new().text("robot", name).integer("beat", 7).end()`.
#[derive(Clone, Debug, Default)]
pub struct JsonWriter {
    text: String,
}

impl JsonWriter {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, &json_text(value))
    }

    pub fn integer(self, key: &str, value: i64) -> Self {
        self.raw(key, &value.to_string())
    }

    pub fn flag(self, key: &str, value: bool) -> Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// `value` is JSON already.
    pub fn raw(mut self, key: &str, value: &str) -> Self {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text += &json_text(key);
        self.text.push(':');
        self.text += value;
        self
    }

    pub fn end(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "{}" } else { "}" });
        self.text
    }
}

/// The end of the value that begins at `at`.
fn skip(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    let first = *text.get(at)?;
    let mut at = at + 1;
    if first == b'"' {
        while *text.get(at)? != b'"' {
            at += if text[at] == b'\\' { 2 } else { 1 };
        }
        return Some(at + 1);
    }
    if first == b'{' || first == b'[' {
        loop {
            at = space(text, at);
            match *text.get(at)? {
                b'}' | b']' => return Some(at + 1),
                b',' | b':' => at += 1,
                _ if depth >= 64 => return None,
                _ => at = skip(text, at, depth + 1)?,
            }
        }
    }
    while at < text.len() && !b",:]} \t\r\n".contains(&text[at]) {
        at += 1;
    }
    Some(at)
}

fn space(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && b" \t\r\n".contains(&text[at]) {
        at += 1;
    }
    at
}

fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let text = object.as_bytes();
    let mut at = space(text, 0);
    if *text.get(at)? != b'{' {
        return None;
    }
    at = space(text, at + 1);
    while *text.get(at)? == b'"' {
        let key_end = skip(text, at, 0)?;
        let begin = space(text, space(text, key_end) + 1);
        let end = skip(text, begin, 0)?;
        // The host writes keys as they are in the schema, without escapes.
        if object.get(at + 1..key_end - 1)? == name {
            return object.get(begin..end);
        }
        at = space(text, end);
        if *text.get(at)? != b',' {
            return None;
        }
        at = space(text, at + 1);
    }
    None
}

fn unquote(quoted: &str) -> Option<String> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut units: Vec<u16> = Vec::new();
    let mut plain = String::with_capacity(inside.len());
    let mut rest = inside.chars();
    while let Some(next) = rest.next() {
        let mut unescaped = next;
        if next == '\\' {
            let name = rest.next()?;
            if name == 'u' {
                let digits: String = rest.by_ref().take(4).collect();
                if digits.len() != 4 {
                    return None;
                }
                units.push(u16::from_str_radix(&digits, 16).ok()?);
                continue;
            }
            unescaped = match name {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            };
        }
        flush(&mut units, &mut plain);
        plain.push(unescaped);
    }
    flush(&mut units, &mut plain);
    Some(plain)
}

fn flush(units: &mut Vec<u16>, to: &mut String) {
    if !units.is_empty() {
        to.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{json_text, JsonWriter, Object};

    const SETTINGS: &str = r#" {"a" : "x\n\u00e9\ud83d\ude00\"", "n":-7,"on":true , "list":[1,{"a":2}],
        "limits":{"connections":3,"deep":{"x":"y"}},"password":{"secret":12},"none":null} "#;

    #[test]
    fn reads_what_a_host_writes() {
        let object = Object::new(SETTINGS);
        assert_eq!(object.text("a").unwrap(), "x\n\u{e9}\u{1f600}\"");
        assert_eq!(object.integer("n"), Some(-7));
        assert_eq!(object.flag("on"), Some(true));
        assert_eq!(object.raw("list"), Some(r#"[1,{"a":2}]"#));
        assert_eq!(object.integer("limits.connections"), Some(3));
        assert_eq!(object.text("limits.deep.x").unwrap(), "y");
        assert_eq!(object.secret("password"), Some(12));
        assert_eq!(object.secret("none"), None);
        assert_eq!(object.text("missing"), None);
        assert_eq!(object.text("n"), None);
    }

    #[test]
    fn what_is_written_can_be_read_whatever_the_text_holds() {
        let text = "a \"quote\" \\ \n\u{1}\u{1f} caf\u{e9} \u{1f600}";
        let written = JsonWriter::new().text("a \"key\"", text).text("t", text).integer("n", i64::MIN).flag("on", true).raw("l", "[1]").end();
        let object = Object::new(&written);
        assert_eq!(object.text("t").unwrap(), text);
        assert_eq!(object.integer("n"), Some(i64::MIN));
        assert_eq!((object.flag("on"), object.raw("l")), (Some(true), Some("[1]")));
        assert!(written.starts_with(r#"{"a \"key\"":"a \"quote\" \\ \u000a\u0001\u001f caf"#), "{}", written);
        assert_eq!(json_text("\u{0}"), r#""\u0000""#);
        assert_eq!(JsonWriter::new().end(), "{}");
    }

    #[test]
    fn every_cut_of_a_text_is_safe_to_read() {
        for end in (0..SETTINGS.len()).filter(|end| SETTINGS.is_char_boundary(*end)) {
            let object = Object::new(&SETTINGS[..end]);
            for key in ["a", "n", "limits.deep.x", "password", "missing"] {
                let _ = (object.text(key), object.integer(key), object.secret(key));
            }
        }
        for text in ["{\"a", "{\"a\\", "{\"a\":\"\\", "{\"a\":[[[", "]", "{\"a\":\"\\u12\"}"] {
            assert_eq!(Object::new(text).text("a"), None, "{}", text);
        }
        assert_eq!(Object::new(&"[".repeat(100_000)).raw("a"), None);
        assert_eq!(Object::new(&format!("{{\"b\":{}", "[".repeat(100_000))).raw("a"), None);
    }
}
