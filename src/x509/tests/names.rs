//! Names that stand alone.

use super::*;

/// A SEQUENCE, SET or string of less than 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80);
    [&[tag, length], content].concat()
}

/// `CN=text`, with a string of this tag.
fn common_name(tag: u8, text: &[u8]) -> Vec<u8> {
    let kind = element(0x06, &[0x55, 0x04, 0x03]);
    let attribute = element(0x30, &[kind, element(tag, text)].concat());
    element(0x30, &element(0x31, &attribute))
}

#[test]
fn a_name_alone_is_written_as_it_is_in_a_certificate() {
    for file in ["multi-valued", "bmp-string", "t61-string", "no-common-name"] {
        let der = fixture(file);
        let fields = walk::certificate(&der, &mut Faults::default()).unwrap();
        let subject = read(&der).subject.distinguished_name;
        assert_eq!(name_text(fields.subject.unwrap()), subject, "{file}");
    }
    assert_eq!(name_text(&element(0x30, &[])), "");
}

#[test]
fn a_value_in_no_encoding_leaves_the_rest_of_its_name_readable() {
    let name = common_name(0x0c, b"\xff\xfe");
    assert_eq!(name_text(&name), "CN=#0c02fffe");
}

#[test]
fn what_is_no_whole_name_is_told_as_its_bytes() {
    let name = common_name(0x0c, b"ca");
    for end in 0..name.len() {
        let cut = &name[..end];
        assert_eq!(name_text(cut), format!("#{}", hexadecimal(cut)));
    }
    let empty_set = element(0x30, &element(0x31, &[]));
    let trailing = [name.as_slice(), &[0x00]].concat();
    for odd in [empty_set, trailing, element(0x31, &name), b"ca".to_vec()] {
        assert_eq!(name_text(&odd), format!("#{}", hexadecimal(&odd)));
    }
    for place in 0..name.len() {
        for byte in 0..=255 {
            let mut mutated = name.clone();
            mutated[place] = byte;
            let text = name_text(&mutated);
            assert!(text.starts_with('#') || text.contains('='), "{text}");
        }
    }
}

#[test]
fn a_list_of_names_without_end_is_cut_and_counted() {
    let names = vec![common_name(0x0c, &[b'x'; 97]); 1000];
    let texts = name_texts(&names);
    assert_eq!(texts.len(), 649);
    assert_eq!(texts.last().unwrap(), "…(+352)");
    assert_eq!(name_texts(&names[..3]).len(), 3);
    assert_eq!(name_texts(&[]), Vec::<String>::new());
}
