//! The command line: what may be typed and what it starts. Exit status: 0 done, 1 failed, 2 wrong usage,
//! 3 some input could not be read (`inspect`).

use crate::commands;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// 架け橋 kakehashi: FAX, mail and HL7 become one conversation per patient, and go back out on the
/// channel that each member already uses.
#[derive(Debug, Parser)]
#[command(name = "kakehashi", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a whole gateway on loopback with an invented network; nothing leaves the machine
    Demo(DemoArgs),
    /// Run the gateway
    Serve(ConfigArg),
    /// Print what the readers make of files, one JSON line per Envelope
    Inspect {
        /// eml, hl7, mllp, tif, pdf or json files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Use the providers and interfaces of this configuration
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Send a mail, an HL7 message or a care note to a gateway
    Send(commands::send::SendArgs),
    /// HL7 tools
    #[command(subcommand)]
    Hl7(commands::hl7::Hl7Command),
    /// Intakes as they lie in the database
    #[command(subcommand)]
    Intake(IntakeCommand),
    /// Print the timeline of a patient group
    Timeline {
        /// Alias or id of the group
        group: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Check, test and explain routing rules
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Print sheets and read returned ones, to test the loop of the paper from outside
    #[command(subcommand)]
    Sheet(SheetCommand),
    /// Import facilities, people, patients and groups
    #[command(subcommand)]
    Directory(DirectoryCommand),
    /// Check database, blobs, certificates, relay, ports and clock, and say what to do
    Doctor(ConfigArg),
    /// Configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the argon2 hash of a password read from standard input, for directory files
    HashPassword,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where data is kept
    #[arg(long, default_value = "kakehashi-data")]
    pub(crate) data_dir: PathBuf,
    /// Address of pages and API
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) http: String,
    /// Address of the SMTP listener
    #[arg(long, default_value = "127.0.0.1:2525")]
    pub(crate) smtp: String,
    /// Address of the MLLP listener
    #[arg(long, default_value = "127.0.0.1:2575")]
    pub(crate) mllp: String,
    /// Use this database instead of the embedded SQLite, for example postgres://…
    #[arg(long)]
    pub(crate) database_url: Option<String>,
    /// MLLP inbox (HOST:PORT) of another engine that stands for the hospital; without this the members' desk does
    #[arg(long)]
    pub(crate) hospital: Option<String>,
    /// Keep the quiet hours of the invented facilities; without this the demo delivers day and night
    #[arg(long)]
    pub(crate) quiet_hours: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// Configuration file; `kakehashi config example` prints one
    #[arg(long, default_value = "kakehashi.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Data directory of a demo or of an embedded database
    #[arg(long, default_value = "kakehashi-data", conflicts_with = "config")]
    pub(crate) data_dir: PathBuf,
    /// Configuration file that names the database
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum IntakeCommand {
    /// List intakes, oldest first
    List {
        /// Only MSH-10 or Message-ID as the sender wrote it, one a line
        #[arg(long)]
        ids: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Unknown fields, wrong types, rules that are never reached
    Check {
        /// Rule file; without it the built-in policy
        file: Option<PathBuf>,
    },
    /// Run the examples kept with the rules
    Test {
        /// Rule file; without it the built-in policy
        file: Option<PathBuf>,
    },
    /// Which rule decides about a message, and by which values
    Explain {
        /// The message
        file: PathBuf,
        /// Rule file; without it the built-in policy
        #[arg(long)]
        rules: Option<PathBuf>,
        /// Look the sender and the patient up in this database
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum SheetCommand {
    /// Write every kind of sheet as KIND.pdf with its layout KIND.json beside it
    Sample {
        /// The folder, made if absent
        folder: PathBuf,
    },
    /// Print what a returned page says, one JSON line a page
    Read {
        /// TIFF, PDF, JPEG or PNG
        file: PathBuf,
        /// Layout of the sheet, as `sheet sample` writes it
        #[arg(long)]
        layout: PathBuf,
    },
    /// Write the boxes of all sheets that the office has confirmed as labelled crops, for `sheet evaluate`
    Export {
        /// A folder that is empty or absent; one folder a label is made in it
        folder: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Count how labelled crops of boxes are read
    Evaluate {
        /// A folder with one folder a label (marked, corrected, empty, dirt, unsure), PNG or JPEG in each
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum DirectoryCommand {
    /// Import a folder of CSV and TOML files
    Import {
        /// The folder
        folder: PathBuf,
        /// Check everything, change nothing
        #[arg(long)]
        dry_run: bool,
        /// A facility that left takes part again, as GROUP:FACILITY; a file alone brings nobody back
        #[arg(long, value_name = "GROUP:FACILITY")]
        rejoin: Vec<String>,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Write the invented network of the demo as an example to a folder
    Example {
        /// The folder, made if absent
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print a commented example
    Example,
    /// Check a configuration file
    Check(ConfigArg),
}

/// Parses the command line and runs the command.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Serve(args) => commands::serve::run(&args.config),
        Command::Inspect { files, config } => commands::inspect::run(&files, config.as_deref()),
        Command::Send(args) => commands::send::run(&args),
        Command::Hl7(command) => commands::hl7::run(&command),
        Command::Intake(IntakeCommand::List { ids, store }) => commands::intake::list(ids, &store),
        Command::Timeline { group, json, store } => commands::timeline::run(&group, json, &store),
        Command::Rules(RulesCommand::Check { file }) => commands::rules::check(file.as_deref()),
        Command::Rules(RulesCommand::Test { file }) => commands::rules::test(file.as_deref()),
        Command::Rules(RulesCommand::Explain { file, rules, data_dir }) => {
            commands::rules::explain(&file, rules.as_deref(), data_dir.as_deref())
        }
        Command::Sheet(SheetCommand::Sample { folder }) => commands::sheet::sample(&folder),
        Command::Sheet(SheetCommand::Read { file, layout }) => commands::sheet::read(&file, &layout),
        Command::Sheet(SheetCommand::Export { folder, store }) => commands::export::run(&folder, &store),
        Command::Sheet(SheetCommand::Evaluate { folder }) => commands::evaluate::run(&folder),
        Command::Directory(DirectoryCommand::Import { folder, dry_run, rejoin, config }) => {
            commands::directory::import(&folder, dry_run, &rejoin, &config.config)
        }
        Command::Directory(DirectoryCommand::Example { folder }) => commands::directory::example(&folder),
        Command::Doctor(args) => commands::doctor::run(&args.config),
        Command::Config(ConfigCommand::Example) => commands::config::example(),
        Command::Config(ConfigCommand::Check(args)) => commands::config::check(&args.config),
        Command::HashPassword => commands::config::hash_password(),
    }
}
