//! What is said of how a server answers, its certificates apart.

use super::detail;
use super::examples::must_staple;
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
