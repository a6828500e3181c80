//! A preset: what its data cannot say of a mail provider's settings. Defaults, constraints and replies are in
//! manifest.json.

use tocsin_sdk::*;

struct ProviderPreset;

impl Plugin for ProviderPreset {
    fn new(_host: Host) -> Result<Self, Failure> {
        Ok(ProviderPreset)
    }
}

fn domain_of(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or("")
}

impl Preset for ProviderPreset {
    fn check(&self, endpoint: &Endpoint<'_>, report: &Report<'_>) {
        let user = endpoint.settings().text("username").unwrap_or_default();
        let from = endpoint.settings().text("from_address").unwrap_or_default();
        if user.is_empty() || from.is_empty() || domain_of(&user) == domain_of(&from) {
            return;
        }
        report.warning(
            "from_address",
            "SETTINGS_INVALID",
            "This provider refuses senders of another domain than the account's. Set from_address to an address of the \
             domain of username.",
        );
    }
}

export_plugin!(ProviderPreset: preset);

#[cfg(test)]
mod tests {
    use tocsin_sdk::testing::TestHost;

    #[test]
    fn warns_of_a_sender_of_another_domain() {
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        let good = host.check_preset(r#"{"username":"ops@example.org","from_address":"alerts@example.org"}"#);
        assert!(good.is_empty());
        let bad = host.check_preset(r#"{"username":"ops@example.org","from_address":"alerts@example.net"}"#);
        assert_eq!((bad.len(), bad[0].fatal, bad[0].key.as_str()), (1, false, "from_address"));
    }
}
