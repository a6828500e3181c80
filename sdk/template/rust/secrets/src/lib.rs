//! A secret store: with [secrets.vault], "vault:smtp/password" is the content of the file smtp/password in its folder.

use std::path::{Component, Path, PathBuf};
use tocsin_sdk::*;

struct FolderStore {
    folders: TokenTable<PathBuf>,
}

impl Plugin for FolderStore {
    fn new(_host: Host) -> Result<Self, Failure> {
        Ok(FolderStore { folders: TokenTable::new() })
    }
}

impl SecretStore for FolderStore {
    fn open(&self, store: &Subscription<'_>) -> Result<Token, Failure> {
        let folder = store.settings().text("folder").unwrap_or_default();
        if folder.is_empty() {
            return Err("folder is empty; name the folder that the secrets are in".into());
        }
        Ok(self.folders.add(folder.into()))
    }

    fn close(&self, store: Token) {
        self.folders.remove(store);
    }

    fn fetch(&self, store: Token, reference: &str, request: SecretRequest) {
        let inside = Path::new(reference).components().all(|part| matches!(part, Component::Normal(_)));
        match self.folders.get(store) {
            None => request.unavailable("the store is closed"),
            Some(_) if reference.is_empty() || !inside => request.unknown("a reference names a file inside the folder"),
            Some(folder) => match std::fs::read_to_string(folder.join(reference)) {
                Ok(value) => request.found(value.trim_end_matches('\n').as_bytes(), None),
                Err(why) => request.unknown(&format!("the file cannot be read: {}", why.kind())),
            },
        }
    }
}

export_plugin!(FolderStore: secrets);

#[cfg(test)]
mod tests {
    use tocsin_sdk::abi::{TOCSIN_INVALID, TOCSIN_OK};
    use tocsin_sdk::testing::TestHost;

    #[test]
    fn finds_a_file_of_its_folder_and_none_outside() {
        let folder = std::env::temp_dir().join(format!("my-plugin.{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("password"), "sesame\n").unwrap();
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        let store = host.open_store("vault", &format!("{{\"folder\":\"{}\"}}", folder.display())).unwrap();
        for reference in ["password", "missing", "../password", ""] {
            host.fetch(store, reference);
        }
        let statuses: Vec<_> = host.state().answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [TOCSIN_OK, TOCSIN_INVALID, TOCSIN_INVALID, TOCSIN_INVALID]);
        assert_eq!(host.state().answers[0].value, b"sesame");
        assert!(host.open_store("vault", "{}").is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
