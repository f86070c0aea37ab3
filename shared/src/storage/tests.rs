//! The contract of the storage on both variants: a local folder, and the object-store library's in-memory store
//! standing behind the code that S3 goes through.

#![expect(clippy::single_range_in_vec_init, reason = "lists of ranges with one range in them")]

use std::fs;

use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

struct Variant {
    storage: Storage,
    _folder: tempfile::TempDir,
}

fn variants() -> Vec<Variant> {
    let folder = || tempfile::tempdir().expect("a folder");
    let local = folder();
    let url = Url::from_directory_path(local.path()).expect("a URL");
    let local_storage = Storage::new(&url, &[]).expect("a storage");
    let bucket = Url::parse("s3://bucket/").expect("a URL");
    let object_storage = Storage::over(vec![Root::Object(object::Prefix::in_memory(&bucket))]);
    vec![
        Variant { storage: local_storage, _folder: local },
        Variant { storage: object_storage, _folder: folder() },
    ]
}

fn source(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("written");
    file
}

async fn all(mut listing: Listing) -> Vec<String> {
    let mut locations = Vec::new();
    while let Some(location) = listing.next().await {
        locations.push(location.expect("a location"));
    }
    locations.sort();
    locations
}

#[tokio::test]
async fn what_is_put_is_read_back_by_ranges() {
    for Variant { storage, .. } in variants() {
        let file = source(b"0123456789");
        let location = storage.put("study-1/a.dcm", file.path().to_owned()).await.expect("put");
        let parts = storage.read(&location, vec![0..3, 8..10]).await.expect("read");
        assert_eq!(parts, [&b"012"[..], &b"89"[..]]);
        let copy = storage.local_file(&location).await.expect("a local file");
        assert_eq!(fs::read(&copy.path).expect("read"), b"0123456789");
    }
}

#[tokio::test]
async fn a_file_is_read_piece_by_piece_and_never_fewer_bytes() {
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    for Variant { storage, .. } in variants() {
        let location = storage.put("a.dcm", source(&bytes).path().to_owned()).await.expect("put");
        let file = storage.open(&location).await.expect("opened");
        assert_eq!(file.byte_count(), bytes.len() as u64);
        for range in [0..5_000_000, 1..2, 131_071..300_000, 5_000_000..5_000_000] {
            let pieces: Vec<_> = file.read(range.clone()).collect().await;
            let read: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.expect("a piece")).collect();
            let expected = &bytes[range.start as usize..range.end as usize];
            assert!(read == expected, "{range:?}");
            assert!(file.bytes(range.clone()).await.expect("read") == expected, "{range:?} at once");
        }
        let past: Vec<_> = file.read(4_999_999..5_000_002).collect().await;
        assert!(past.last().is_some_and(Result::is_err), "{past:?}");
        assert!(file.bytes(4_999_999..5_000_002).await.is_err());
        assert!(matches!(storage.open(&format!("{location}x")).await, Err(StorageError::NotFound)));
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_an_error_and_not_fewer_bytes() {
    for Variant { storage, .. } in variants() {
        let location = storage.put("a.dcm", source(b"0123").path().to_owned()).await.expect("put");
        assert!(storage.read(&location, vec![2..9]).await.is_err());
    }
}

#[tokio::test]
async fn a_listing_names_every_file_below_a_folder_and_a_single_file() {
    for Variant { storage, .. } in variants() {
        for name in ["s/a.dcm", "s/deep/er/b.dcm", "t/c.dcm"] {
            storage.put(name, source(b"x").path().to_owned()).await.expect("put");
        }
        let one = storage.put("s/d.dcm", source(b"x").path().to_owned()).await.expect("put");
        let folder = one.trim_end_matches("d.dcm");
        let found = all(storage.list(folder).await.expect("listed")).await;
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(all(storage.list(&one).await.expect("listed")).await, std::slice::from_ref(&one));
    }
}

#[tokio::test]
async fn a_file_on_its_way_is_there_once_it_is_finished_and_in_no_listing_but_its_own() {
    for Variant { storage, _folder } in variants() {
        let (upload, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let kept = storage.put("study/a.dcm", source(b"x").path().to_owned()).await.expect("put");
        let root = kept.trim_end_matches("study/a.dcm");
        let large = vec![7; 3 << 20];
        for (number, bytes) in [(0, &b"first"[..]), (1, &large), (9, b""), (10, b"last")] {
            let mut file = storage.begin_incoming(upload, number).await.expect("begun");
            for piece in bytes.chunks(100_000) {
                file.write(piece).await.expect("written");
            }
            file.finish().await.expect("finished");
        }
        let mut broken_off = storage.begin_incoming(other, 0).await.expect("begun");
        broken_off.write(b"half of it").await.expect("written");
        drop(broken_off);

        assert_eq!(all(storage.list(root).await.expect("listed")).await, std::slice::from_ref(&kept));
        let incoming = storage.incoming(upload).expect("a storage");
        let found = all(storage.list(&incoming).await.expect("listed")).await;
        let mut read = Vec::new();
        for location in &found {
            let byte_count = storage.open(location).await.expect("opened").byte_count();
            // A store has no range of nothing.
            let ranges = if byte_count > 0 { vec![0..byte_count] } else { vec![] };
            read.push(storage.read(location, ranges).await.expect("read").concat());
        }
        assert_eq!(read, [&b"first"[..], &large, b"", b"last"], "in their order");
        let of_other = storage.list(&storage.incoming(other).expect("a storage")).await;
        if let Ok(listing) = of_other {
            assert_eq!(all(listing).await, Vec::<String>::new(), "what was not finished");
        }

        for _ in 0..2 {
            let admitted = storage.admit(&found[0], "study/b.dcm").await.expect("admitted, and again");
            assert_eq!(Some(&admitted), storage.location_of("study/b.dcm").as_ref());
        }
        storage.admit(&found[3], "study/a.dcm").await.expect("one is there");
        for upload in [upload, upload, other] {
            storage.discard_incoming(upload).await.expect("discarded, and again");
        }
        assert!(matches!(storage.admit(&found[0], "study/c.dcm").await, Err(StorageError::NotFound)));
        let mut left = all(storage.list(root).await.expect("listed")).await;
        assert_eq!(storage.read(&left.remove(1), vec![0..5]).await.expect("read"), [&b"first"[..]]);
        assert_eq!(left, [kept]);
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_and_its_empty_folders_with_it() {
    for Variant { storage, _folder } in variants() {
        let first = storage.put("study/series/a.dcm", source(b"x").path().to_owned()).await.expect("put");
        let second = storage.put("study/other/b.dcm", source(b"x").path().to_owned()).await.expect("put");
        assert_eq!(storage.location_of("study/series/a.dcm").as_deref(), Some(first.as_str()));
        for _ in 0..2 {
            storage.remove(&first).await.expect("removed, and again");
        }
        assert!(storage.read(&first, vec![0..1]).await.is_err());
        assert_eq!(storage.read(&second, vec![0..1]).await.expect("the other stays"), [&b"x"[..]]);
        assert!(!_folder.path().join("study/series").exists());
        let again = storage.put("study/series/a.dcm", source(b"y").path().to_owned()).await.expect("put");
        assert_eq!(storage.read(&again, vec![0..1]).await.expect("read"), [&b"y"[..]]);
    }
}

#[tokio::test]
async fn nothing_counts_as_removed_while_the_storage_is_away() {
    let Some(Variant { storage, _folder: folder }) = variants().into_iter().next() else { panic!("local") };
    let location = storage.put("study/a.dcm", source(b"x").path().to_owned()).await.expect("put");
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).expect("moved");
    assert!(storage.remove(&location).await.is_err_and(|error| error.is_transient()));
    fs::rename(&away, folder.path()).expect("moved back");
    storage.remove(&location).await.expect("removed");
    assert!(storage.read(&location, vec![0..1]).await.is_err());
}

#[tokio::test]
async fn nothing_outside_of_the_storage_is_removed() {
    let share = tempfile::tempdir().expect("a folder");
    let (kept, outside) = (share.path().join("a.dcm"), source(b"outside"));
    fs::write(&kept, b"kept").expect("written");
    for Variant { mut storage, _folder } in variants() {
        storage.allow_local(share.path()).expect("allowed");
        std::os::unix::fs::symlink(&kept, _folder.path().join("link.dcm")).expect("a link");
        for path in [kept.as_path(), outside.path(), &_folder.path().join("link.dcm")] {
            let location = Url::from_file_path(path.canonicalize().expect("a path")).expect("a URL");
            let link = Url::from_file_path(path).expect("a URL");
            for location in [location, link] {
                let removed = storage.remove(location.as_str()).await;
                assert!(matches!(removed, Err(StorageError::NotAllowed)), "{location}");
            }
        }
        assert!(matches!(storage.remove("s3://other/a.dcm").await, Err(StorageError::NotAllowed)));
    }
    assert!(kept.exists() && outside.path().exists());
}

#[tokio::test]
async fn a_storage_that_is_only_read_makes_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let away = folder.path().canonicalize().expect("a path").join("away");
    let storage = Storage::to_read(&Url::from_directory_path(&away).expect("a URL"), &[]).expect("a storage");
    let location = Url::from_file_path(away.join("a.dcm")).expect("a URL").to_string();
    assert!(matches!(storage.read(&location, vec![0..1]).await, Err(StorageError::NotFound)));
    assert!(!away.exists());
    fs::create_dir(&away).expect("made");
    fs::write(away.join("a.dcm"), b"back").expect("written");
    assert_eq!(storage.read(&location, vec![0..4]).await.expect("read"), [&b"back"[..]]);
}

#[tokio::test]
async fn a_location_outside_the_roots_is_not_allowed() {
    let outside = source(b"secret");
    for Variant { storage, .. } in variants() {
        let location = Url::from_file_path(outside.path()).expect("a URL").to_string();
        for location in [location.as_str(), "s3://other/a.dcm", "file:///etc/passwd"] {
            let error = storage.read(location, vec![0..1]).await.expect_err("not allowed");
            assert!(matches!(error, StorageError::NotAllowed), "{location}: {error}");
        }
    }
}

#[tokio::test]
async fn a_link_out_of_the_folder_is_not_allowed() {
    let Some(Variant { storage, _folder: folder }) = variants().into_iter().next() else { panic!("local") };
    let outside = source(b"secret");
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link.dcm")).expect("a link");
    let url = Url::from_file_path(folder.path().join("link.dcm")).expect("a URL");
    assert!(matches!(storage.read(url.as_str(), vec![0..1]).await, Err(StorageError::NotAllowed)));
    let up = format!("{}../{}", Url::from_directory_path(folder.path()).expect("a URL"), "x");
    assert!(matches!(storage.read(&up, vec![0..1]).await, Err(StorageError::NotAllowed)));
}

#[tokio::test]
async fn a_name_that_could_leave_the_storage_is_refused() {
    for Variant { storage, .. } in variants() {
        for name in ["../a", "a/../b", "", "a//b", "a b"] {
            let put = storage.put(name, source(b"x").path().to_owned()).await;
            assert!(matches!(put, Err(StorageError::Invalid(_))), "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_root_that_was_away_is_read_when_it_is_there() {
    let Some(Variant { mut storage, _folder: folder }) = variants().into_iter().next() else {
        panic!("local")
    };
    let share = tempfile::tempdir().expect("a folder");
    let mount = share.path().canonicalize().expect("a path").join("mount");
    storage.allow_local_when_there(&mount);
    let location = Url::from_file_path(mount.join("a.dcm")).expect("a URL").to_string();
    assert!(matches!(storage.local_path(&location).await, Err(StorageError::NotFound)));
    fs::create_dir(&mount).expect("made");
    fs::write(mount.join("a.dcm"), b"back").expect("written");
    assert_eq!(storage.read(&location, vec![0..4]).await.expect("read"), [&b"back"[..]]);
    assert!(!storage.is_its_own(&location));
    drop(folder);
}

#[tokio::test]
async fn lookups_that_hang_end_in_an_error() {
    let hung = Arc::new(Semaphore::new(1));
    let _held_by_a_lookup_that_hangs = Arc::clone(&hung).acquire_owned().await.expect("a permit");
    let answer = look_up(hung, Duration::from_millis(20), || Ok(())).await;
    assert!(answer.as_ref().is_err_and(StorageError::is_transient), "{answer:?}");
}

#[tokio::test]
async fn a_root_whose_lookups_hang_holds_up_no_other() {
    let (own, share) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let url = Url::from_directory_path(own.path()).expect("a URL");
    let mut storage = Storage::new(&url, &[]).expect("a storage");
    let on_share = format!("{}/a.dcm", storage.allow_local(share.path()).expect("allowed"));
    let _held_by_lookups_that_hang =
        storage.permits_for(&on_share).acquire_many_owned(LOOKUPS_MAX as u32).await.expect("permits");
    let location = storage.put("own/a.dcm", source(b"x").path().to_owned()).await.expect("put");
    assert!(storage.is_its_own(&location) && !storage.is_its_own(&on_share));
    assert!(storage.local_path(&location).await.is_ok());
    assert!(storage.local_metadata(&location).await.is_ok());
    assert_eq!(
        storage.permits_for(&on_share).available_permits(),
        0,
        "the share's own are the ones that are held"
    );
}

#[tokio::test]
async fn under_a_root_in_which_a_read_hung_nothing_is_handed_out_unseen() {
    let (own, share) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let url = Url::from_directory_path(own.path()).expect("a URL");
    let mut storage = Storage::new(&url, &[]).expect("a storage");
    let on_share = format!("{}/gone.dcm", storage.allow_local(share.path()).expect("allowed"));
    let in_storage = format!("{url}gone.dcm");
    for location in [&on_share, &in_storage] {
        assert!(storage.local_place(location).await.expect("by its letters").is_some(), "{location}");
    }
    storage.note_hung(&on_share);
    assert!(matches!(storage.local_place(&on_share).await, Err(StorageError::NotFound)), "it was looked for");
    assert!(storage.local_place(&in_storage).await.expect("by its letters").is_some(), "the other root");
}

/// How long a read of [`s3_that_sends`] may lie still.
const STALL_MAX: Duration = Duration::from_millis(400);

/// A storage on an S3 that answers each request with these pieces, a pause before each, and then says nothing more.
async fn s3_that_sends(pieces: Vec<String>, pause: Duration) -> Storage {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let pieces = pieces.clone();
            tokio::spawn(async move {
                let _request = connection.read(&mut [0; 4096]).await;
                for piece in pieces {
                    tokio::time::sleep(pause).await;
                    connection.write_all(piece.as_bytes()).await.expect("sent");
                }
                std::future::pending::<()>().await;
            });
        }
    });
    let options = [
        ("aws_endpoint", &*endpoint),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "test"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let url = "s3://bucket/".parse().expect("a URL");
    let prefix = object::Prefix::with_options(&url, options.into_iter(), STALL_MAX).expect("a store");
    Storage::over(vec![Root::Object(prefix)])
}

/// The head of an answer with the first 10 of 100 bytes.
fn ten_bytes() -> String {
    "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/100\r\nETag: \"1\"\r\n\
     Last-Modified: Sat, 28 Nov 2026 10:00:00 GMT\r\n\r\n"
        .to_owned()
}

#[tokio::test]
async fn an_object_store_of_which_no_byte_arrives_hangs_and_is_given_up_early() {
    let whole = ten_bytes().replace("206 Partial Content", "200 OK").replace("Content-Range", "X-Range");
    let half = "01234".to_owned();
    let cases = [
        (vec![], vec![]),
        (vec![ten_bytes()], vec![whole.clone()]),
        (vec![ten_bytes(), half.clone()], vec![whole, half]),
    ];
    for (of_range, of_file) in cases {
        let started = std::time::Instant::now();
        let storage = s3_that_sends(of_range.clone(), Duration::ZERO).await;
        let read = storage.read("s3://bucket/a.dcm", vec![0..10]).await;
        assert!(matches!(read, Err(StorageError::Hung)), "{of_range:?}: {read:?}");
        let storage = s3_that_sends(of_file.clone(), Duration::ZERO).await;
        let copied = storage.local_file("s3://bucket/a.dcm").await;
        assert!(matches!(copied, Err(StorageError::Hung)), "{of_file:?}: {copied:?}");
        assert!(started.elapsed() < 10 * STALL_MAX, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_object_store_that_is_slow_is_read_to_the_end() {
    let mut pieces = vec![ten_bytes()];
    pieces.extend("0123456789".chars().map(String::from));
    let storage = s3_that_sends(pieces, STALL_MAX / 6).await;
    let started = std::time::Instant::now();
    let read = storage.read("s3://bucket/a.dcm", vec![0..4, 6..10]).await.expect("read");
    assert_eq!(read, [&b"0123"[..], &b"6789"[..]]);
    assert!(started.elapsed() > STALL_MAX, "it was not slow");
}

#[test]
fn a_name_that_only_begins_like_a_root_lies_outside_of_it() {
    let under = |root: &str, location: &str| {
        let prefix = object::Prefix::in_memory(&root.parse().expect("a URL"));
        prefix.resolve(&location.parse().expect("a URL")).is_ok()
    };
    for root in ["s3://b/archive", "s3://b/archive/"] {
        assert!(under(root, "s3://b/archive/study/1.dcm"), "{root}");
        assert!(under(root, "s3://b/archive"), "{root}");
        assert!(!under(root, "s3://b/archive2/x"), "{root}");
        assert!(!under(root, "s3://other/archive/x"), "{root}");
    }
    assert!(under("s3://b", "s3://b/x") && under("s3://b/", "s3://b/x"));
}

/// So that a file that changed is found again under the location that the catalog has.
#[tokio::test]
async fn a_link_is_listed_by_its_own_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Url::from_directory_path(folder.path()).expect("a URL");
    let storage = Storage::new(&url, &[]).expect("a storage");
    fs::write(folder.path().join("a.dcm"), b"x").expect("written");
    std::os::unix::fs::symlink(folder.path().join("a.dcm"), folder.path().join("link.dcm")).expect("a link");
    let link = Url::from_file_path(folder.path().join("link.dcm")).expect("a URL").to_string();
    assert_eq!(all(storage.list(&link).await.expect("listed")).await, std::slice::from_ref(&link));
    assert!(all(storage.list(url.as_str()).await.expect("listed")).await.contains(&link));
}
