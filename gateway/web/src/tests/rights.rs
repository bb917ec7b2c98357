//! Every role at every route: one table, held against the routes of the program.

use super::world::{Browser, World, form};
use axum::http::StatusCode;

/// Every route of the pages with a path that exists for those who may see it.
const ROUTES: &[(&str, &str, Who)] = &[
    ("GET", "/", Who::Anybody),
    ("GET", "/settings", Who::Anybody),
    ("POST", "/settings", Who::Anybody),
    ("POST", "/logout", Who::Anybody),
    ("GET", "/groups/{group}", Who::Members),
    ("GET", "/groups/{group}/topics/{topic}", Who::Members),
    ("POST", "/groups/{group}/posts", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/replies", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/corrections", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/acknowledgement", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/acknowledgement/withdrawal", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/relatives", Who::Members),
    ("POST", "/groups/{group}/history", Who::Office),
    ("POST", "/groups/{group}/paste-slips", Who::Office),
    ("GET", "/attachments/{id}", Who::Members),
    ("GET", "/attachments/{id}/zoom", Who::Members),
    ("GET", "/attachments/{id}/pages/{page}", Who::Members),
    ("GET", "/triage", Who::Office),
    ("GET", "/triage/{id}", Who::Office),
    ("POST", "/triage/{id}/placement", Who::Office),
    ("POST", "/triage/{id}/draft", Who::Office),
    ("POST", "/fax", Who::Office),
    ("POST", "/triage/{id}/confirmation", Who::Office),
    ("GET", "/triage/{id}/boxes/{name}", Who::Office),
    ("POST", "/triage/{id}/turn", Who::Office),
    ("POST", "/triage/{id}/request", Who::Office),
    ("POST", "/triage/{id}/return", Who::Office),
    ("POST", "/triage/{id}/call", Who::Office),
    ("POST", "/triage/{id}/discard", Who::Office),
    ("POST", "/triage/{id}/quarantine", Who::Office),
    ("GET", "/intakes", Who::Office),
    ("GET", "/intakes/{id}", Who::Office),
    ("GET", "/intakes/{id}/raw", Who::Office),
    ("GET", "/interfaces", Who::Office),
    ("GET", "/interfaces/messages", Who::Office),
    ("POST", "/interfaces/messages", Who::Office),
    ("GET", "/interfaces/messages/{id}", Who::Office),
    ("POST", "/interfaces/messages/{id}/replay", Who::Office),
    ("POST", "/interfaces/messages/{id}/answer", Who::Office),
    ("GET", "/outbox", Who::Office),
    ("GET", "/deliveries/{id}/preview", Who::Office),
    ("POST", "/deliveries/{id}/retry", Who::Office),
    ("POST", "/deliveries/{id}/recall", Who::Office),
    ("POST", "/deliveries/{id}/call", Who::Office),
    ("GET", "/deliveries/{id}/thumbnail.png", Who::Office),
    ("GET", "/fax", Who::Office),
    ("POST", "/fax/settings", Who::Office),
    ("POST", "/fax/endpoints/{id}/sheets", Who::Office),
    ("POST", "/fax/endpoints/{id}/verification", Who::Office),
    ("POST", "/fax/endpoints/{id}/wrong", Who::Office),
    ("POST", "/fax/endpoints/{id}/number", Who::Office),
    ("POST", "/fax/endpoints/{id}/check", Who::Office),
    ("POST", "/fax/endpoints/{id}/undo", Who::Office),
    ("GET", "/rules", Who::Office),
    ("GET", "/facilities", Who::Office),
    ("POST", "/facilities/{id}/pauses", Who::Office),
    ("POST", "/facilities/{id}/pauses/{pause}/end", Who::Office),
    ("GET", "/audit", Who::Office),
    ("GET", "/login", Who::Everybody),
    ("POST", "/login", Who::Everybody),
    ("GET", "/note", Who::Everybody),
    ("POST", "/note", Who::Everybody),
    ("GET", "/r/{code}", Who::Everybody),
    ("POST", "/r/{code}/acknowledgement", Who::Everybody),
    ("POST", "/r/{code}/settings", Who::Everybody),
    ("POST", "/r/{code}/rest", Who::Everybody),
    ("POST", "/r/{code}/replies", Who::Everybody),
    ("POST", "/r/{code}/callback", Who::Everybody),
    ("POST", "/r/{code}/wrong-recipient", Who::Everybody),
    ("GET", "/r/{code}/files", Who::Everybody),
    ("GET", "/r/{code}/files/{at}", Who::Everybody),
];

#[derive(Clone, Copy, PartialEq)]
enum Who {
    /// Without login.
    Everybody,
    /// Whoever is logged in.
    Anybody,
    /// Members of the group, and the office.
    Members,
    /// The office.
    Office,
}

#[test]
fn the_table_of_rights_names_every_route() {
    let source = include_str!("../pages.rs");
    let mut count = 0;
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split(".layer(").next().unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST")] {
            if handlers.contains(word) {
                count += 1;
                let known = ROUTES.iter().any(|(m, p, _)| *m == method && *p == path);
                assert!(known, "{method} {path} has no line");
            }
        }
    }
    assert_eq!(count, ROUTES.len());
}

#[tokio::test]
async fn every_role_reaches_its_routes_and_no_other() {
    let world = World::new().await;
    let (member, foreign, office) =
        (world.login("otsuka").await, world.login("hanai").await, world.login("watanabe").await);
    let clinic = world.login("saeki").await;
    let topic = world.topic(&clinic).await;
    world.in_triage().await;
    let page = world.get(&member, "/groups/G01").await;
    let picture =
        page.text.split("src=\"/attachments/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (method, route, who) in ROUTES.iter().filter(|r| r.1 != "/logout") {
        let id = if route.starts_with("/attachments") {
            picture.as_str()
        } else if route.starts_with("/triage") {
            "X1"
        } else {
            "I1"
        };
        let path = route
            .replace("{group}", "G01")
            .replace("{topic}", &topic)
            .replace("{post}", &topic)
            .replace("{id}", id)
            .replace("{page}", "1.png")
            .replace("{name}", "acknowledge.png")
            .replace("{at}", "0")
            .replace("{pause}", "U1")
            .replace("{code}", "0000000000");
        let ask = async |browser: &Browser, signed: bool| {
            let csrf = if signed { browser.csrf.as_str() } else { "" };
            if *method == "GET" {
                world.get(browser, &path).await
            } else if path.ends_with("/posts") || path.ends_with("/replies") && path.starts_with("/groups") {
                world
                    .upload(
                        &Browser { cookie: browser.cookie.clone(), csrf: csrf.to_owned() },
                        &path,
                        &[],
                        None,
                    )
                    .await
            } else {
                world.post_raw(browser, &path, form(&[("csrf", csrf)])).await
            }
        };
        let nobody = ask(&Browser::default(), false).await;
        let to_login = nobody.status == StatusCode::SEE_OTHER && nobody.location().starts_with("/login");
        assert_eq!(to_login, *who != Who::Everybody, "{method} {path} without login: {}", nobody.status);
        if *who == Who::Everybody {
            continue;
        }
        if *method == "POST" {
            let unsigned = ask(&office, false).await;
            assert_eq!(unsigned.status, StatusCode::FORBIDDEN, "{method} {path} without token");
        }
        let answer = ask(&foreign, true).await;
        let hidden = answer.status == StatusCode::NOT_FOUND;
        assert_eq!(hidden, *who != Who::Anybody, "{method} {path} for a foreign facility: {}", answer.status);
        if *who == Who::Office {
            let answer = ask(&member, true).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path} for a member");
        } else if *method == "GET" && !path.contains("/pages/") {
            assert_eq!(ask(&member, true).await.status, StatusCode::OK, "{method} {path} for a member");
            assert_eq!(ask(&office, true).await.status, StatusCode::OK, "{method} {path} for the office");
        }
    }
}
