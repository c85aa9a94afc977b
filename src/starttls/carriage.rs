/// How the bytes of TLS travel once a dialogue is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carriage {
    /// By themselves.
    #[default]
    Bare,
}
