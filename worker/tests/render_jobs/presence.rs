//! What a worker says of itself.

use noctis_shared::{
    lane::Lane,
    render::{FailureKind, Outcome},
};
use tokio_util::sync::CancellationToken;

use crate::house::{House, failure_of, never_asked, renders};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_what_it_is_and_what_it_could_not_draw_until_it_ends() {
    // Nobody takes jobs by hand.
    let house = House::new(never_asked()).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(noctis_worker::run(house.worker(renders(), 2), shutdown.clone()));
    let present = async || house.back_ends.coordination.present().await.unwrap();
    house.until("its first word", async || !present().await.is_empty()).await;
    let first = present().await.remove(0);
    assert_eq!((first.worker.slots, first.worker.busy, first.worker.rendered), (2, 0, 0));
    assert_eq!(first.worker.lanes, [Lane::OnScreen, Lane::Index, Lane::Upload]);
    assert!(first.worker.name.contains(':'), "{}", first.worker.name);

    let hidden = house.hide_file();
    assert_eq!(
        failure_of(house.board_view(7, "viewer").landing().await.unwrap().outcome),
        FailureKind::FileMissing
    );
    hidden.put_back();
    let drawn = house.board().landing().await.unwrap().outcome;
    assert!(matches!(drawn, Outcome::Picture(_)), "{drawn:?}");
    house
        .until("its next word", async || {
            present().await[0].worker.failed > 0 && present().await[0].worker.rendered > 0
        })
        .await;
    let said = present().await.remove(0);
    assert_eq!((said.worker.rendered, said.worker.failed, said.worker.stages.pictures), (1, 1, 1));
    assert!(said.worker.stages.mean.encode_ms > 0.0, "{said:?}");
    let image = &house.wanted.image;
    let failure = &said.failures[0];
    assert_eq!((failure.image_id, failure.study_id), (image.image.image_id, image.study_id));
    assert_eq!(failure.kind, FailureKind::FileMissing);

    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(present().await, []);
}
