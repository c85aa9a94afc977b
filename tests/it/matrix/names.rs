//! Servers that show a certificate to those alone who ask for a name.

use super::family::{Family, NGINX};
use crate::servers::{Authority, Dns, Key, Nginx};

#[test]
fn servers_that_demand_a_name() {
    let authority = Authority::new();
    let [alpha, beta] = ["alpha.sweep.test", "beta.sweep.test"]
        .map(|name| (name, authority.identity(name, Key::Ecdsa)));
    let nginx = Nginx::for_names_alone(&[(alpha.0, &alpha.1), (beta.0, &beta.1)]);
    let address = nginx.address;
    let names = [alpha.0, beta.0].map(|name| (name, address.ip()));
    let dns = Dns::start(&names);

    let mut family = Family::new("Names");
    family.option("--resolver", &dns.address.to_string());
    for (name, identity) in [&alpha, &beta] {
        let chain = [identity.sha256.clone(), identity.issuer_sha256.clone()];
        let target = (format!("{name}:{}", address.port()), address);
        family.shows_at(format!("asked for {name}"), NGINX, target, &chain);
    }
    let refused = ("tls-refused", "alert unrecognized_name(112) at hello");
    let target = (address.to_string(), address);
    family.gives_nothing("asked without a name", NGINX, target, refused);
    family.keep((nginx, dns));
    family.check();
}
