"""Bad input ends with the right exit code, all problems at once, the place and the way out."""

from __future__ import annotations

import pytest

GOOD = """\
experiment: spring
owner: sam
hypothesis: yes
what_will_change: all
list: {size: 20000, test: 16000}
arms:
  - {name: control, control: true, text: a}
  - {name: match, text: b}
metrics:
  - {name: gave, tier: organising, base_rate: 0.05, mde: 0.02, window_hours: 72, owner: kim}
  - {name: unsubscribed, role: guardrail, tier: organising, base_rate: 0.002, margin: 0.001,
     direction: down, window_hours: 72, owner: kim}
design: {waves: 4}
"""


def write(shell, text):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")


def check(shell, text):
    write(shell, text)
    result = shell("experiment", "check", "spring", "--json")
    return result.code, result.data["findings"]


def codes(shell, text):
    code, findings = check(shell, text)
    return code, [f["code"] for f in findings]


def test_a_good_definition_has_no_finding(shell):
    assert codes(shell, GOOD) == (0, [])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("owner: sam", "ownr: sam", "YM004"),
        ("owner: sam", "owner: sam\nowner: kim", "YM002"),
        ("text: a}", "share: 0.4, text: a}", "EX004"),
        ("\n  - {name: match, text: b}", "", "EX001"),
        ("{name: match, text: b}", "\n  - ".join(f"{{name: a{i}}}" for i in range(7)), "EX035"),
        ("role: guardrail", "role: primary, mde: 0.001", "EX005"),
        ("mde: 0.02, window_hours: 72", "mde: 0.02", "EX021"),
        ("base_rate: 0.05, mde", "kind: ratio, per: opens, base_sd: 1, mde", "EX022"),
        ("base_rate: 0.05, mde: 0.02", "base_rate: 0.05", "EX023"),
        ("base_rate: 0.05, mde", "kind: mean, mde", "EX023"),
        ("margin: 0.001,", "", "EX023"),
        ("list: {size", "unit: {kind: household}\nlist: {size", "EX024"),
        ("name: unsubscribed", "name: replied", "EX025"),
        ("72, owner: kim}\n  -", "72}\n  -", "EX026"),
        ("text: a}", "factors: {ask: 5, tone: warm}}", "EX027"),
        ("waves: 4", "waves: 4, clock: one-send", "EX030"),
        ("waves: 4", "waves: 1, clock: speed", "EX030"),
        ("base_rate: 0.05, mde", "kind: mean, base_sd: 9, mde", "EX031"),
        ("waves: 4", "waves: 4, family: fixed, futility: pocock", "EX031"),
        ("owner: kim}\n  -", "covariates: [unsubscribed]}\n  -", "EX032"),
        ("text: a}", "factors: {ask: 5}}", "EX033"),
        ("text: a}", "factors: {lang: en}}", "EX034"),
        ("name: unsubscribed", "name: gave", "EX036"),
        ("{name: match, text: b}", "{name: match, control: true, text: b}", "EX002"),
        ("{name: match, text: b}", "{name: control, text: b}", "EX003"),
        ("{name: match, text: b}", "{name: match, text: a}", "EX017"),
        ("tier: organising", "tier: milestone", "EX006"),
        ("mde: 0.02", "mde: 0.97", "EX007"),
        ("test: 16000", "test: 26000", "EX008"),
        ("waves: 4", "waves: 30", "EX011"),
        ("waves: 4", "waves: 4, spending: obrian", "EX016"),
        ("waves: 4", "waves: 4, strata: [supporter_id]", "EX018"),
        ("mde: 0.02", "mde: 0.001", "EX010"),
        ("owner: sam\n", "", "EX012"),
        ("hypothesis: yes\n", "", "EX013"),
        ("what_will_change: all\n", "", "EX014"),
        ("text: a}", "share: 0.1, text: a}", "EX015"),
        ("base_rate: 0.05", "base_rate: 0.0005", "EX009"),
        ("base_rate: 0.05", "base_rate: 0.002", "EX009"),
        ("experiment: spring", "experiment: summer", "EX020"),
        ("size: 20000", "size: many", "YM006"),
        ("experiment: spring", "experiment: Spring Appeal!", "YM006"),
    ],
)
def test_each_problem_has_its_code_and_its_place(shell, before, after, expected):
    text = GOOD.replace(before, after)
    if expected == "EX027":
        text = text.replace("text: b}", "factors: {ask: 9, tone: cold}}")
    if expected == "EX034":
        text = text.replace("text: b}", "factors: {lang: es}}")
    if "kind: mean, base_sd" in text or "0.002, mde: 0.02" in text:
        family = "exact" if "mean" in text else "open-ended"
        text = text.replace("waves: 4", f"waves: 4, family: {family}")
    if expected in {"EX004", "EX015"}:
        text = text.replace("text: b}", "share: 0.9, text: b}")
    code, findings = check(shell, text)
    found = [f for f in findings if f["code"] == expected]
    assert found, findings
    assert found[0]["where"].startswith("experiments/spring/experiment.yaml:")
    assert found[0]["hint"] or expected == "YM006"
    assert code == (2 if any(f["severity"] == "error" for f in findings) else 0)


def test_all_problems_of_a_file_come_at_once(shell):
    text = GOOD.replace("\nowner", "\nownr").replace("tier: organising", "tier: opens", 1)
    text = text.replace("waves: 4", "waves: 0")
    write(shell, text)
    result = shell("experiment", "lock", "spring")
    assert result.code == 2
    assert "3 errors" in result.err
    assert "did you mean 'owner'" in result.err


@pytest.fixture
def assigned(shell, tmp_path):
    write(shell, GOOD.replace("test: 16000", "test: 20000"))  # everybody is in the test
    shell.ok("experiment", "lock", "spring")
    people = tmp_path / "list.csv"
    people.write_text("supporter_id\n" + "\n".join(f"S{i}" for i in range(20_000)) + "\n")
    shell.ok("experiment", "assign", "spring", str(people))
    return shell


def intake(shell, tmp_path, content, *more, name="r.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = shell.json("ledger", "verify")["head"]
    result = shell("experiment", "intake", "spring", str(path), *more)
    if result.code != 0:
        assert shell.json("ledger", "verify")["head"] == before  # nothing was half-imported
    return result


def test_results_for_unknown_people_name_the_rows_and_the_way_out(assigned, tmp_path):
    rows = "".join(f"X{i},1\n" for i in range(30))
    result = intake(assigned, tmp_path, f"supporter_id,gave\nS1,1\n{rows}")
    assert result.code == 2
    assert "30 rows cannot be used" in result.err
    assert "row 2: not in the assigned list: X0" in result.err
    assert "... and 10 more" in result.err
    assert "--skip-unknown" in result.err
    done = assigned.json(
        "experiment", "intake", "spring", str(tmp_path / "r.csv"), "--skip-unknown"
    )
    assert (done["rows"] <= 1, done["unknown"]) == (True, 30)


def test_values_that_are_no_outcome_are_named_with_their_rows(assigned, tmp_path):
    result = intake(assigned, tmp_path, "supporter_id,gave\nS1,maybe\n,1\nS2,7\nS3,-1\n")
    assert result.code == 2
    for line in ("row 1: not 0 or 1: maybe", "row 2: no id", "row 3: gave is yes or no", "row 4:"):
        assert line in result.err


def test_a_wrong_column_name_suggests_the_close_one(assigned, tmp_path):
    result = intake(assigned, tmp_path, "supporter_id,gvae\nS1,1\n")
    assert (result.code, "did you mean 'gvae'?" in result.err) == (2, True)


def test_a_file_of_neither_form_explains_both(assigned, tmp_path):
    result = intake(assigned, tmp_path, "name,amount\nAda,3\n")
    assert result.code == 2
    assert "a row per person needs supporter_id" in result.err
    assert "a row per arm needs arm, units" in result.err


def test_unknown_arms_and_impossible_counts_are_named(assigned, tmp_path):
    text = "wave,arm,units,gave\n1,contrl,100,3\n1,match,10,30\n0,control,5,1\n1,match,x,1\n"
    result = intake(assigned, tmp_path, text)
    assert result.code == 2
    for line in (
        "row 1: unknown arm, use control or match: contrl",
        "row 2: more outcomes than units: 30",
        "row 3: not a wave number: 0",
        "row 4: not a number of units: x",
    ):
        assert line in result.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n \n", "is empty"),
        (b"supporter_id,gave\n", "no row for a unit of the test"),
        ("supporter_id,gave,note\nS1,1,é\n".encode("cp1252"), "line 2 is not UTF-8 text"),
        (b"supporter_id,gave\nS1,1,extra\nS2\n", "lines that do not fit the header"),
        (b"\x00\x01\x02\x00" * 50, "not a text file"),
    ],
)
def test_files_that_cannot_be_read_say_why(assigned, tmp_path, content, words):
    result = intake(assigned, tmp_path, content)
    assert (result.code, words in result.err) == (2, True), result.err


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("\ufeffsupporter_id,gave\r\nS1,1\r\nS2,0\r\n".encode(), ()),
        (b"supporter_id;gave\nS1;1\nS2;0\n", ()),
        ("supporter_id,gave\nS1,1\nS2,0\n".encode("utf-16"), ()),
        ("supporter_id,gave,note\nS1,1,é\nS2,0,\n".encode("cp1252"), ("--encoding", "cp1252")),
        (b" Supporter ID ,Gave\nS1,yes\nS2,No\n", ()),
        (b'"supporter_id","gave"\n"S1","1"\n"S2","0"\n\n', ()),
        (b"supporter_id,gave,gave\nS1,1,0\nS2,0,0\n", ()),
    ],
    ids=["bom-crlf", "semicolon", "utf-16", "cp1252", "loose-header", "quoted", "repeated-name"],
)
def test_the_usual_dialects_of_csv_are_read(assigned, tmp_path, content, more):
    result = intake(assigned, tmp_path, content, "--json", *more)
    assert result.code == 0, result.err
    assert sum(result.data["outcomes"].values()) <= 1


def test_an_unknown_encoding_is_refused(assigned, tmp_path):
    result = intake(assigned, tmp_path, b"a,b\n", "--encoding", "klingon")
    assert (result.code, "klingon" in result.err) == (2, True)


def test_a_list_with_repeated_and_missing_ids_names_them(shell, tmp_path):
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    path = tmp_path / "list.csv"
    path.write_text("supporter_id,x\nS1,a\n,b\nS2,c\nS1,d\n")
    result = shell("experiment", "assign", "spring", str(path))
    assert result.code == 2
    assert "row 2: no id" in result.err
    assert "row 4: 'S1' stood before" in result.err


def test_a_list_smaller_than_the_plan_is_refused(shell, tmp_path):
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    path = tmp_path / "list.csv"
    path.write_text("supporter_id\nS1\nS2\n")
    result = shell("experiment", "assign", "spring", str(path))
    assert (result.code, "the plan tests 16,000" in result.err) == (3, True)


def test_an_unknown_experiment_suggests_a_close_one(assigned):
    result = assigned("experiment", "look", "sprng")
    assert (result.code, "did you mean spring" in result.err) == (4, True)


def test_a_folder_that_is_no_workspace_says_how_to_make_one(shell, tmp_path):
    result = shell("-C", str(tmp_path), "status", inside=False)
    assert (result.code, "whistlestop init" in result.err) == (4, True)


def test_a_send_in_the_future_or_of_no_wave_is_refused(assigned):
    late = assigned("experiment", "sent", "spring", "--wave", "1", "--at", "2027-01-01")
    assert (late.code, "future" in late.err) == (2, True)
    none = assigned("experiment", "sent", "spring", "--wave", "9")
    assert (none.code, "waves 1 to 4" in none.err) == (2, True)


def test_errors_are_json_for_programs(assigned):
    import json

    result = assigned("experiment", "look", "nothing", "--json")
    told = json.loads(result.err)
    assert (told["error"], told["exit_code"]) == ("NotFoundError", 4)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("1751", "141", "1750"), "not four"),
        (("1751", "141", "1750", "many"), "whole number"),
        (("100", "141", "1750", "125"), "100"),
        (("0", "0", "10", "1"), "0"),
        (("nowhere.csv",), "cannot read"),
    ],
)
def test_quick_refuses_what_it_cannot_compute(shell, words, part):
    result = shell("quick", *words, inside=False)
    assert (result.code, part in result.err) == (2, True), result.err


def test_quick_reads_a_file_of_people_and_a_file_of_arms(shell, tmp_path):
    arms = tmp_path / "arms.csv"
    arms.write_text('version,sent,actions\nnew,"1,750",125 (7.1%)\ncontrol,1751,141\n')
    people = tmp_path / "people.csv"
    rows = ["control,1"] * 141 + ["control,0"] * 1610 + ["new,1"] * 125 + ["new,0"] * 1625
    people.write_text("arm,outcome\n" + "\n".join(rows) + "\n")
    direct = shell("quick", "1751", "141", "1750", "125", "--json", inside=False).data
    for path in (arms, people):
        read = shell("quick", str(path), "--json", inside=False).data
        assert read["difference"] == pytest.approx(direct["difference"])
        assert read["p_value"] == pytest.approx(direct["p_value"])
    # scipy 1.17.1: chi2_contingency([[125, 1625], [141, 1610]], correction=False).pvalue
    assert direct["p_value"] == pytest.approx(0.30976622904832285, rel=1e-9)


def test_an_override_of_no_setting_is_refused(shell):
    result = shell("--set", "organisation.zoen=UTC", "feed", "list")
    assert result.code == 2
    assert "zoen" in result.err
    assert shell("--set", "nonsense", "status").code == 2


def second(shell, text):
    """The findings of another experiment, while ``spring`` is locked."""
    write(shell, GOOD.replace("owner: sam", "owner: sam\nsend_on: [2027-03-01, 2027-03-08]"))
    shell.ok("experiment", "lock", "spring")
    folder = shell.folder / "experiments" / "autumn"
    folder.mkdir(parents=True)
    renamed = GOOD.replace("experiment: spring", "experiment: autumn")
    (folder / "experiment.yaml").write_text(renamed.replace("owner: sam", text), encoding="utf-8")
    result = shell("experiment", "check", "autumn", "--json")
    assert result.code == 0
    return [f["code"] for f in result.data["findings"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner: sam", ["EX028"]),  # nothing says when: they may meet
        ("owner: sam\nsend_on: [2027-03-10]", ["EX028"]),  # two days after, window three days
        ("owner: sam\nsend_on: [2027-03-12]", []),
        ("owner: sam\nsend_on: [2027-02-25]", []),
    ],
)
def test_two_tests_meet_when_a_send_falls_into_the_others_window(shell, text, expected):
    assert second(shell, text) == expected


def test_tests_that_exclude_each_other_do_not_meet(shell):
    text = "owner: sam\nsend_on: [2027-03-08]"
    assert second(shell, text) == ["EX028"]
    file = shell.folder / "experiments" / "autumn" / "experiment.yaml"
    body = file.read_text(encoding="utf-8")
    file.write_text(body.replace("size: 20000", "size: 20000, exclude: [spring]"), encoding="utf-8")
    assert shell.json("experiment", "check", "autumn")["findings"] == []


def test_a_day_over_the_contact_limit_is_named(shell):
    config = shell.folder / "whistlestop.yaml"
    config.write_text(config.read_text() + "\ncontact: {most: 2, days: 14}\n", encoding="utf-8")
    dates = "owner: sam\nsend_on: [2027-03-12, 2027-04-12]"
    assert second(shell, dates) == ["EX029"]  # 1, 8 and 12 March are three; April is alone
