//! What a child process costs a render: processor time of the same renders inside this process and through a slot.
//!
//! `cargo run --release -p noctis-worker --example slot_cost -- FILE [RENDERS]` on Linux.

#![expect(clippy::print_stdout, reason = "a program that prints a measurement")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use noctis_shared::{
    catalog::NewInstance,
    job::FrameSource,
    lane::Lane,
    request::{FrameRequest, PictureFormat, Voi, VoiFunction, Window},
    storage::LocalPlace,
};
use noctis_worker::{
    index::{MissingUids, read_instance},
    slot::{
        FrameBytes, RenderTask, SlotProgram, SlotTimes, Slots, decoded_frames::DecodedFrames, process,
        task::perform,
    },
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Kernel clock ticks are 10 ms wherever Linux runs for us (`getconf CLK_TCK`).
const TICK_MS: f64 = 10.0;

fn main() -> ExitCode {
    if process::is_asked_for() {
        return process::exit_code();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> anyhow::Result<()> {
    let path =
        PathBuf::from(env::args_os().nth(1).context("usage: slot_cost FILE [RENDERS]")?).canonicalize()?;
    let renders: u32 = env::args().nth(2).map_or(Ok(2000), |count| count.parse())?;
    let instance = read_instance(&path, "file:///measured", MissingUids::Derive)?;
    let source = source(&instance)?;
    let task = |index: u32| RenderTask {
        source: source.clone(),
        request: request(index),
        bytes: FrameBytes::Local(LocalPlace::anywhere(&path)),
        presentation_state: None,
        segmentation: None,
        slices: Vec::new(),
    };

    let kept = DecodedFrames::new(0);
    let before = processor_ms(&[])?;
    for index in 0..renders {
        perform(&task(index), &kept, &mut |_| {})?;
    }
    let inside = (processor_ms(&[])? - before) / f64::from(renders);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let through = runtime.block_on(async {
        let slots = Slots::start(SlotProgram::current()?, 1, SlotTimes::default())?;
        let children = children()?;
        let before = processor_ms(&children)?;
        for index in 0..renders {
            slots.take(Lane::OnScreen).await.render(&task(index)).await?;
        }
        anyhow::Ok((processor_ms(&children)? - before) / f64::from(renders))
    })?;
    println!("inside this process   {inside:.3} ms a render, decoded each time");
    println!("through a slot        {through:.3} ms a render, decoded once");

    let kept = DecodedFrames::new(1 << 30);
    let before = processor_ms(&[])?;
    for index in 0..renders {
        perform(&task(index), &kept, &mut |_| {})?;
    }
    let inside_kept = (processor_ms(&[])? - before) / f64::from(renders);
    println!("inside, decoded once  {inside_kept:.3} ms a render");
    println!("cost of the slot      {:.3} ms a render", through - inside_kept);
    Ok(())
}

fn source(instance: &NewInstance) -> anyhow::Result<FrameSource> {
    Ok(FrameSource {
        location: instance.location.clone(),
        content_digest: instance.content_digest,
        file_byte_count: instance.file_byte_count,
        header_byte_count: instance.header_byte_count,
        frame: *instance.frames.first().context("the file has no frame")?,
        deflated: instance.deflated,
        header_checksum: instance.header_checksum,
    })
}

/// Windows that differ, so that no two pictures are the same.
fn request(index: u32) -> FrameRequest {
    let width = f64::from(400 + index % 1000);
    let voi = Window::new(40.0, width, VoiFunction::Linear).map_or(Voi::FromFile, Voi::Window);
    FrameRequest { voi, ..FrameRequest::new(PictureFormat::Png) }
}

/// User and system time of this process and of `children`.
fn processor_ms(children: &[String]) -> anyhow::Result<f64> {
    let mut ticks = 0;
    for id in std::iter::once("self").chain(children.iter().map(String::as_str)) {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Fields 14 and 15 of proc_pid_stat(5), counted behind the name, which may hold spaces.
        let fields = stat.rsplit(") ").next().context("proc_pid_stat(5)")?.split(' ').skip(11).take(2);
        ticks += fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    }
    Ok(ticks as f64 * TICK_MS)
}

fn children() -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        ids.extend(list.split_whitespace().map(str::to_owned));
    }
    Ok(ids)
}
