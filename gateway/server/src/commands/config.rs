//! `kakehashi config` and `kakehashi hash-password`.

use super::fail;
use crate::config::{Config, EXAMPLE};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn example() -> ExitCode {
    print!("{EXAMPLE}");
    ExitCode::SUCCESS
}

pub(crate) fn check(path: &Path) -> ExitCode {
    match Config::load(path) {
        Ok(_) => {
            println!("{}: 問題なし / nothing to mend", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => fail(error),
    }
}

pub(crate) fn hash_password() -> ExitCode {
    let mut password = String::new();
    if let Err(error) = std::io::stdin().take(1024).read_to_string(&mut password) {
        return fail(error);
    }
    let password = password.trim_end_matches(['\r', '\n']);
    if password.chars().count() < 12 {
        return fail("at least 12 characters, please");
    }
    println!("{}", kakehashi_web::hash_password(password));
    ExitCode::SUCCESS
}
