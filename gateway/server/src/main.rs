//! The program: command line, configuration, wiring, demo. It joins the crates of the house and decides
//! nothing about messages itself.

mod box_crops;
mod cli;
mod commands;
mod config;
mod demo;
mod directory_files;
mod gateway;
mod interfaces;
mod readers;
mod rules_file;
mod sheet_photos;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
