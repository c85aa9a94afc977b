//! What a session tells beside its certificates.

use super::*;

/// `CN=name`, DER, for names of less than 116 bytes.
fn authority(name: &str) -> Vec<u8> {
    let element = |tag: u8, content: Vec<u8>| {
        let length = u8::try_from(content.len()).unwrap();
        [vec![tag, length], content].concat()
    };
    let kind = element(0x06, vec![0x55, 0x04, 0x03]);
    let value = element(0x0c, name.as_bytes().to_vec());
    let attribute = element(0x30, [kind, value].concat());
    element(0x30, element(0x31, attribute))
}

fn requesting(leaf: &str, authorities: Vec<Vec<u8>>, second: i64) -> Observation {
    let mut look = presenting("10.0.0.1", 5696, &[leaf], second);
    let session = &mut presented(&mut look).session;
    session.client_auth = Some(ClientAuth::Requested);
    session.acceptable_issuers = authorities;
    look
}

#[tokio::test]
async fn the_authorities_of_a_certificate_request_are_kept_as_names() {
    let mut store = Store::new().await;
    let names = vec![authority("KMIP CA, old"), vec![0xff], authority("b")];
    store.scan(batch(vec![requesting("a", names, 10)])).await;
    let rows = store.history().await;
    let told = ["CN=KMIP CA\\, old", "#ff", "CN=b"];
    assert_eq!(rows[0].session.client_auth_issuers, told);
    // They go with the session: the newest one's, or an ended one's last.
    let others = vec![authority("new")];
    store.scan(batch(vec![requesting("a", others, 20)])).await;
    let rows = store.history().await;
    assert_eq!(rows[0].session.client_auth_issuers, ["CN=new"]);
    store
        .scan(batch(vec![requesting("b", Vec::new(), 30)]))
        .await;
    let rows = store.history().await;
    assert_eq!(rows[0].session.client_auth_issuers, ["CN=new"]);
    assert_eq!(rows[1].session.client_auth_issuers, Vec::<String>::new());
}

#[tokio::test]
async fn a_request_that_names_authorities_without_end_is_cut_and_says_so() {
    let mut store = Store::new().await;
    let names = vec![authority(&"x".repeat(100)); 10_000];
    store.scan(batch(vec![requesting("a", names, 10)])).await;
    let told = &store.history().await[0].session.client_auth_issuers;
    let length: usize = told.iter().map(String::len).sum();
    assert!(length <= 64 * 1024, "{length}");
    let last = told.last().unwrap();
    assert_eq!(*last, format!("…(+{})", 10_000 - (told.len() - 1)));
}
