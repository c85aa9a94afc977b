//! STARTTLS for XMPP between servers (RFC 6120 section 5).

use crate::domain::Dialect;

use super::{Protocol, xmpp};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::XmppServer,
    title: "STARTTLS for XMPP, as another server (RFC 6120)",
    ports: &[5269],
    // XEP-0368 section 3.
    application_protocols: &[b"xmpp-server"],
    greets_with: |_| false,
    begin: |circumstances| xmpp::begin("jabber:server", circumstances),
};
