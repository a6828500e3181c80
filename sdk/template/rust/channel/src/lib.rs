//! A channel: appends each message to a file.

use std::fs::OpenOptions;
use std::io::Write;
use tocsin_sdk::*;

struct FileChannel {
    paths: TokenTable<String>,
}

impl Plugin for FileChannel {
    fn new(_host: Host) -> Result<Self, Failure> {
        Ok(FileChannel { paths: TokenTable::new() })
    }
}

impl Channel for FileChannel {
    fn open(&self, endpoint: &Endpoint<'_>) -> Result<Opened, Failure> {
        let path = endpoint.settings().text("path").unwrap_or_default();
        if path.is_empty() {
            return Err("path is empty; name the file that messages go to".into());
        }
        Ok(Opened { token: self.paths.add(path), slots: 1 })
    }

    fn close(&self, endpoint: Token) {
        self.paths.remove(endpoint);
    }

    fn deliver(&self, message: &Message<'_>, delivery: Delivery) {
        match self.paths.get(message.endpoint()).map(|path| append(&path, message)) {
            None => delivery.complete(&Outcome::returned()),
            Some(Ok(())) => delivery.complete(&Outcome::delivered()),
            Some(Err(why)) => {
                delivery.complete(&Outcome::failed(Class::Transient, "FILE_NOT_WRITTEN", &why.to_string()))
            }
        }
    }
}

fn append(path: &str, message: &Message<'_>) -> std::io::Result<()> {
    let mail = format!("To: {}\nSubject: {}\n\n{}\n", message.recipient(), message.subject(), message.text());
    OpenOptions::new().append(true).create(true).open(path)?.write_all(mail.as_bytes())
}

export_plugin!(FileChannel: channel);

#[cfg(test)]
mod tests {
    use tocsin_sdk::abi::{TOCSIN_CLASS_DELIVERED, TOCSIN_CLASS_TRANSIENT};
    use tocsin_sdk::testing::TestHost;

    #[test]
    fn writes_a_message_and_reports_a_folder_that_is_not_there() {
        let folder = std::env::temp_dir().join(format!("my-plugin.{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        for path in ["messages.txt", "missing/messages.txt"] {
            let settings = format!("{{\"path\":\"{}\"}}", folder.join(path).display());
            let endpoint = host.open_channel(&settings).unwrap();
            host.deliver(endpoint, "ops", "Fire", "in the kitchen");
        }
        let written = std::fs::read_to_string(folder.join("messages.txt")).unwrap();
        assert_eq!(written, "To: ops\nSubject: Fire\n\nin the kitchen\n");
        assert_eq!(host.state().outcomes[0].class, TOCSIN_CLASS_DELIVERED);
        assert_eq!(host.state().outcomes[1].class, TOCSIN_CLASS_TRANSIENT);
        assert_eq!(host.state().outcomes[1].code, "FILE_NOT_WRITTEN");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn refuses_settings_without_a_path() {
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        assert!(host.open_channel("{\"path\":\"\"}").unwrap_err().contains("path is empty"));
    }
}
