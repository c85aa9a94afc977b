//! What is said of how a server answers, its certificates apart.

use super::detail;
use super::examples::must_staple;
use super::scene::Scene;
use crate::domain::{HybridGroup, NamedGroup, ProtocolSet, TlsVersion};
use crate::judge::Verdict;
use crate::x509::Staple;

#[test]
fn only_an_ocsp_response_is_a_staple() {
    let mut scene = must_staple();
    let mut told = |staple| {
        scene.place().staple = staple;
        detail(&scene, "must-staple")
    };
    let wanting = [
        (Staple::Missing, "no OCSP response was stapled"),
        (Staple::Empty, "the staple is empty"),
        (Staple::NoResponse, "what was stapled is no OCSP response"),
        (
            Staple::Error,
            "the OCSP response that was stapled is an error without a status",
        ),
    ];
    for (staple, words) in wanting {
        assert_eq!(told(Some(staple)).as_deref(), Some(words));
    }
    assert_eq!(told(Some(Staple::Response)), None);
    scene.place().staple = None;
    assert_eq!(scene.verdict("must-staple"), Verdict::NotApplicable);
}

#[test]
fn a_server_that_does_not_speak_tls_1_3_is_not_ready_whatever_it_once_agreed_to() {
    let by = |version| {
        let mut scene = Scene::new();
        scene.place().tls_version = Some(version);
        scene.place().versions = [version].into();
        scene
    };
    let words = "it does not speak TLS 1.3, and no older version has hybrid groups";
    let old = by(TlsVersion::TLS_1_2);
    assert_eq!(old.verdict("not-pq-ready"), Verdict::NotApplicable);
    // Offered by itself.
    let mut refusing = old.clone();
    refusing.place().refused = [TlsVersion::TLS_1_0, TlsVersion::TLS_1_3].into();
    assert_eq!(detail(&refusing, "not-pq-ready").as_deref(), Some(words));
    refusing.place().hybrid_group = Some(HybridGroup::Agreed(NamedGroup(0x11ec)));
    assert_eq!(detail(&refusing, "not-pq-ready").as_deref(), Some(words));
    // Offered with an older one, which was chosen.
    let mut passing_over = old.clone();
    passing_over.place().offered = Some(ProtocolSet::TLS_1_3_OR_1_2);
    assert_eq!(
        detail(&passing_over, "not-pq-ready").as_deref(),
        Some(words)
    );
    // It speaks it all the same: for another name, or at another look.
    let versions = [TlsVersion::TLS_1_2, TlsVersion::TLS_1_3];
    passing_over.place().versions = versions.into();
    assert_eq!(passing_over.verdict("not-pq-ready"), Verdict::NotApplicable);
    let mut chosen = by(TlsVersion::TLS_1_3);
    chosen.place().offered = Some(ProtocolSet::TLS_1_3_OR_1_2);
    assert_eq!(chosen.verdict("not-pq-ready"), Verdict::NotApplicable);
    // It was not offered.
    let mut restricted = old;
    restricted.place().offered = Some(ProtocolSet::TLS_1_2_TO_1_0);
    restricted.place().refused = [TlsVersion::SSL_3].into();
    assert_eq!(restricted.verdict("not-pq-ready"), Verdict::NotApplicable);
}
