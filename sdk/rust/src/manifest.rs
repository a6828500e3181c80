// SPDX-License-Identifier: Apache-2.0
//! The manifest inside the library: the note that a host reads without running the plugin, and the entry's id and version.

use crate::abi::*;

/// Name "Tocsin", type 1, the JSON, padded to 4 bytes: the form of an ELF note, and of the PE section.
#[repr(C, align(4))]
pub struct Note<const SIZE: usize> {
    name_size: u32,
    content_size: u32,
    kind: u32,
    name: [u8; 8],
    content: [u8; SIZE],
}

pub const fn padded(size: usize) -> usize {
    (size + 3) / 4 * 4
}

impl<const SIZE: usize> Note<SIZE> {
    pub const fn new(manifest: &[u8]) -> Self {
        let mut content = [0; SIZE];
        let mut at = 0;
        while at < manifest.len() {
            content[at] = manifest[at];
            at += 1;
        }
        Note { name_size: 7, content_size: manifest.len() as u32, kind: 1, name: *b"Tocsin\0\0", content }
    }
}

/// The plugin's introduction. It is read by any thread, and nothing in it ever changes.
#[repr(transparent)]
pub struct Entry(pub tocsin_entry);
// SAFETY: its pointers lead to constants.
unsafe impl Sync for Entry {}

type Create = unsafe extern "C" fn(*const tocsin_host, *mut *const tocsin_plugin, *const tocsin_sink) -> tocsin_status;

pub const fn entry(manifest: &'static [u8], create: Create) -> Entry {
    Entry(tocsin_entry {
        struct_size: std::mem::size_of::<tocsin_entry>() as u32,
        abi_version: TOCSIN_ABI_VERSION,
        id: member(manifest, b"id"),
        version: member(manifest, b"version"),
        create: Some(create),
    })
}

/// The text of a member of the outermost object. A manifest without it does not compile.
const fn member(manifest: &'static [u8], name: &[u8]) -> tocsin_string {
    let mut depth = 0;
    let mut at = 0;
    while at < manifest.len() {
        match manifest[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let end = end_of_text(manifest, at);
                let mut value = space(manifest, end + 1);
                if depth == 1 && same(manifest, at + 1, end, name) && value < manifest.len() && manifest[value] == b':' {
                    value = space(manifest, value + 1);
                    if value < manifest.len() && manifest[value] == b'"' {
                        let size = (end_of_text(manifest, value) - value - 1) as u64;
                        // SAFETY: within the manifest, which lives for ever.
                        return tocsin_string { data: unsafe { manifest.as_ptr().add(value + 1) }.cast(), size };
                    }
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    panic!("manifest.json has no \"id\" or no \"version\" that is a text")
}

const fn end_of_text(text: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    assert!(at < text.len(), "manifest.json ends within a text");
    at
}

const fn space(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && (text[at] == b' ' || text[at] == b'\t' || text[at] == b'\r' || text[at] == b'\n') {
        at += 1;
    }
    at
}

const fn same(text: &[u8], begin: usize, end: usize, other: &[u8]) -> bool {
    if end - begin != other.len() {
        return false;
    }
    let mut at = 0;
    while at < other.len() {
        if text[begin + at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::text_of;

    #[test]
    fn id_and_version_are_those_of_the_outermost_object() {
        let manifest = br#"{"deep": {"id": "no", "list": ["version", "no"]}, "title": "id", "id" : "yes", "version":"1.2.3"}"#;
        unsafe {
            assert_eq!(text_of(&member(manifest, b"id")), "yes");
            assert_eq!(text_of(&member(manifest, b"version")), "1.2.3");
        }
    }

    #[test]
    fn a_note_is_padded_and_says_its_length() {
        let note: Note<{ padded(5) }> = Note::new(b"{\"a\"}");
        assert_eq!((note.name_size, note.content_size, note.kind), (7, 5, 1));
        assert_eq!(&note.content, b"{\"a\"}\0\0\0");
        assert_eq!(std::mem::size_of_val(&note), 12 + 8 + 8);
    }
}
