"""README.md and docs: their generated parts agree with the files that they tell of, and its links lead somewhere."""

import copy
import json
import re
from pathlib import Path

import build_notebooks
import course
import pytest
import readme_tables
import results_table

ROOT = Path(__file__).resolve().parents[2]
RECORD = {
    "command": "bertnotes train",
    "model": "mini",
    "parameters": 14_990_000,
    "train_reviews": 5000,
    "test_reviews": 25_000,
    "config": {"max_length": 256, "epochs": 3, "seed": 42, "precision": "fp32"},
    "accuracy": 0.8766,
    "tfidf_accuracy": 0.8591,
    "majority_accuracy": 0.5,
    "train_seconds": 3910,
    "train_peak_memory_mb": 3140,
    "environment": {"date": "2026-11-23", "device": "2 CPU threads, A Processor"},
}
README = """# x
<!-- course:begin -->
to be replaced
<!-- course:end -->

<!-- five:begin -->
<!-- five:end -->
end
"""
FILES = {"README.md": README} | {
    f"docs/{file}.md": f"# x\n<!-- {part}:begin -->\nto be replaced\n<!-- {part}:end -->\nend\n"
    for file, part in (("library", "modules"), ("results", "results"), ("benchmarks", "speed"))
}


@pytest.fixture
def root(tmp_path):
    """A repository with a README and docs, no records and no notebooks."""
    (tmp_path / "data" / "results").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs").mkdir()
    for file, text in FILES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    return tmp_path


def write(root, file="imdb-5000-mini.json", **changes):
    """Write a record that differs from RECORD in the given fields."""
    path = root / "data" / "results" / file
    path.write_text(json.dumps({**copy.deepcopy(RECORD), **changes}), encoding="utf-8")
    return path


def rows(root):
    """Return the cells of each result row that the tool makes."""
    table = results_table.results_table(results_table.read_records(root / "data" / "results"))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[2:]]


def test_generated_parts_are_in_step():
    assert list(readme_tables.stale()) == [], "python tools/readme_tables.py"


def test_the_readme_can_be_read_in_a_minute():
    """At 250 words: tables, code, addresses, and the last sections, which are for some readers only, are not counted."""
    prose = (ROOT / "README.md").read_text(encoding="utf-8").partition("## More")[0]
    prose = re.sub(r"```.*?```|^\|.*$|!?\[|\]\([^)]*\)|<!--.*?-->", " ", prose, flags=re.MULTILINE | re.DOTALL)
    assert len(prose.split()) < 300


@pytest.mark.parametrize(
    "page", ["README.md", "data/README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_relative_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if "://" not in link and not ((ROOT / page).parent / link).exists()] == []


def test_picture_is_small():
    assert 0 < (ROOT / "docs" / "attention.png").stat().st_size < 150_000


@pytest.mark.parametrize(("keep", "shown"), [("head", "256"), ("head+tail", "256, head+tail")])
def test_the_part_of_a_review_that_was_read_is_shown_where_it_is_not_the_head(root, keep, shown):
    write(root, config={**RECORD["config"], "keep": keep})
    assert rows(root)[0][3] == shown


def test_rows_without_a_record_are_named(root):
    names = list(results_table.ROWS)
    for name in names[2:]:
        write(root, f"imdb-{name}-seed0.json", row=name)
    text = readme_tables.updated("docs/results.md", root)
    assert f"\n\nNot measured yet: `{names[0]}`, `{names[1]}`. " in text
    assert text.index("| mini |") < text.index("Not measured yet: ") < text.index("<!-- results:end -->")
    for name in names[:2]:
        write(root, f"imdb-{name}-seed0.json", row=name)
    assert "Not measured" not in readme_tables.updated("docs/results.md", root)


def test_links_of_a_part_lead_from_the_file_that_it_stands_in(root):
    write(root, "imdb-tfidf-seed0.json", row="tfidf")
    assert "](data/results/imdb-tfidf-seed0.json)" in readme_tables.updated("README.md", root)
    assert "](../data/results/imdb-tfidf-seed0.json)" in readme_tables.updated("docs/results.md", root)


def test_readme_has_five_rows_of_the_table_in_their_order(root):
    for name in reversed((*results_table.FIVE, "mini-128")):
        write(root, f"imdb-{name}-seed0.json", row=name)
    rows = results_table.five_results(root / "data" / "results").splitlines()[2:]
    files = [row.rpartition("/")[2].partition("-seed0")[0].removeprefix("imdb-") for row in rows]
    assert files == list(results_table.FIVE) and len(files) == 5
    assert [cell.strip() for cell in rows[0].split("|")][3] == "87.66 %"


def test_one_record_fills_one_row(root):
    """One seed: the interval is that of the test reviews, in italics; Wilson's of 21,915 in 25,000."""
    write(root)
    (row,) = rows(root)
    assert len(row) == len(results_table.HEADINGS)
    assert row[:4] == ["mini", "15.0 M", "5,000", "256"]
    assert row[4:7] == ["87.66 %", "*87.25 to 88.06*", "[42: 87.66](data/results/imdb-5000-mini.json)"]
    assert row[7:] == ["65 minutes", "3.1 GB", "2 CPU threads, A Processor, fp32", "2026-11-23"]


def test_seeds_of_a_row_make_one_line_with_their_interval(root):
    """90, 91 and 92 %: mean 91, standard error 1 / √3, Student's t with two degrees of freedom 4.303."""
    for seed, accuracy in enumerate((0.9, 0.91, 0.92)):
        config = {**RECORD["config"], "seed": seed}
        write(root, f"imdb-mini-128-seed{seed}.json", row="mini-128", accuracy=accuracy, config=config, train_seconds=60 * seed)
    (row,) = rows(root)
    assert row[4:6] == ["91.00 %", "88.52 to 93.48"] and row[7] == "60 seconds"
    assert row[6].count("](data/results/imdb-mini-128-seed") == 3 and row[6].startswith("[0: 90.00](")


def test_seeds_that_lie_too_far_apart_have_no_interval(root):
    """89, 89 and 77 %: Student's t reaches beyond 100 %, so that the seeds alone say what there is to say."""
    for seed, accuracy in enumerate((0.89, 0.89, 0.77)):
        config = {**RECORD["config"], "seed": seed}
        write(root, f"imdb-mini-128-seed{seed}.json", row="mini-128", accuracy=accuracy, config=config)
    assert rows(root)[0][4:6] == ["85.00 %", "too far apart"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config": {"max_length": 128, "seed": 1}}, "differ in max_length"),
        ({"test_reviews": 2000}, "differ in test_reviews"),
        ({}, "of the same seed"),
    ],
)
def test_runs_of_one_row_differ_in_nothing_but_their_seeds(root, changes, said):
    for seed, changed in enumerate(({}, changes)):
        write(root, f"imdb-mini-128-seed{seed}.json", row="mini-128", **changed)
    with pytest.raises(ValueError, match=rf"mini-128-seed0\.json and imdb-mini-128-seed1\.json are of one row and .*{said}"):
        rows(root)


def test_runs_of_one_row_on_two_machines_are_told_apart(root):
    """A mean over both would be the time of neither; runs that shared a GPU say so."""
    machines = ("2 CPU threads, A Processor", {}), ("A GPU", {"jobs": 8}), ("A GPU", {"jobs": 8})
    for seed, (device, more) in enumerate(machines):
        config, environment = {**RECORD["config"], "seed": seed}, {**RECORD["environment"], "device": device}
        spent = {"train_seconds": 3600 if device != "A GPU" else 60 * seed, "train_peak_memory_mb": 9000 - 4000 * seed}
        write(root, f"imdb-mini-128-seed{seed}.json", row="mini-128", config=config, environment=environment, **spent, **more)
    (row,) = rows(root)
    assert row[7:9] == ["60 minutes; 90 seconds", "9.0 GB; 5.0 GB"]
    assert row[9] == "2 CPU threads, A Processor, fp32; A GPU, fp32, 8 runs at a time"


def test_a_row_without_dice_or_weights(root):
    """What `bertnotes reproduce` writes of a classical system."""
    record = {key: value for key, value in RECORD.items() if key not in ("config", "parameters", "tfidf_accuracy")}
    path = root / "data/results/imdb-tfidf-seed0.json"
    path.write_text(json.dumps(record | {"row": "tfidf", "model": "tfidf", "train_seconds": 31}))
    (row,) = rows(root)
    assert row[:4] == ["TF-IDF + logistic regression", "", "5,000", "all"]
    assert (
        row[6:8] == ["[record: 87.66](data/results/imdb-tfidf-seed0.json)", "31 seconds"]
        and row[9] == "2 CPU threads, A Processor"
    )


def test_what_is_special_about_a_row_is_in_its_name(root):
    write(root, "imdb-mini-128-seed0.json", row="mini-128")
    write(root, "imdb-mini-frozen-seed0.json", row="mini-frozen", config=RECORD["config"] | {"frozen": True})
    write(root, "imdb-mini-random-seed0.json", row="mini-random", random_init=True)
    assert [row[0] for row in rows(root)] == [
        "mini",
        "mini, encoder frozen",
        "mini, random weights instead of pre-trained ones",
    ]


def test_rows_come_as_planned_and_then_by_reviews_and_parameters(root):
    write(root, "imdb-a.json", train_reviews=25_000)
    write(root, "imdb-b.json", parameters=22_000_000)
    write(root, "imdb-c.json")
    write(root, "imdb-mini-512-seed0.json", row="mini-512")
    write(root, "imdb-mini-128-seed0.json", row="mini-128")
    (root / "data" / "results" / "heads.json").write_text("[]")
    files = [row[6].rpartition("/")[2] for row in rows(root)]
    assert files == ["imdb-mini-128-seed0.json)", "imdb-mini-512-seed0.json)", "imdb-c.json)", "imdb-b.json)", "imdb-a.json)"]


def test_name_stands_before_model_and_cannot_break_the_table(root):
    write(root, model="/home/x/model", name="MiniLM | six\nlayers")
    (row,) = rows(root)
    assert row[0] == r"MiniLM \| six layers"


def test_memory_that_was_not_measured_and_a_smaller_test_set_are_said(root):
    write(root, train_peak_memory_mb=None, test_reviews=2000)
    (row,) = rows(root)
    assert row[8] == "not measured"
    assert row[4] == "87.66 % (of 2,000 reviews only)"


def test_no_records_say_so(root):
    (row,) = rows(root)
    assert row[0] == "no measured results yet" and len(row) == len(results_table.HEADINGS)


BENCH = {
    "task": "training",
    "model": "mini",
    "layers": 2,
    "max_length": 512,
    "batch_size": 16,
    "summary": {
        "slow": {
            "tokens_per_second": 1234,
            "ratio": 5.1,
            "least": 4.9,
            "most": 5.3,
            "positions_per_token": 2,
            "memory_mb": 2100,
        },
        "bertnotes": {
            "tokens_per_second": 6300,
            "ratio": 1,
            "least": 1,
            "most": 1,
            "positions_per_token": 1.04,
            "memory_mb": 900,
        },
    },
    "readings": [{"round": 0}, {"round": 1}],
    "environment": {"device": "2 CPU threads", "date": "2026-11-25"},
}


def speed(root, **changes):
    """The tables that the tool makes of one record of `bertnotes bench`."""
    (root / "data" / "results" / "bench-a.json").write_text(json.dumps(BENCH | changes))
    return readme_tables.speed_tables(root / "data" / "results")


def test_speed_is_told_with_its_conditions(root):
    table = speed(root)
    assert "**Training** with the first 2 layers of mini at 512 tokens, batches of 16" in table
    assert "(data/results/bench-a.json): 2 CPU threads, 2026-11-25, 2 rounds" in table
    assert "| slow | 1,234 | 5.10 (4.90 to 5.30) | 2.00 | 2.1 GB |" in table
    assert "| bertnotes | 6,300 |  | 1.04 | 0.9 GB |" in table
    assert "all of mini" in speed(root, layers=None)


def test_one_round_has_no_spread(root):
    assert "| 5.10 |" in speed(root, readings=[{"round": 0}])


def test_accuracy_is_told_seed_by_seed(root):
    rows = [
        {"seed": 0, "bertnotes": 0.871, "the original loop": 0.87},
        {"seed": 1, "bertnotes": 0.86, "the original loop": 0.88},
    ]
    line = speed(root, task="accuracy", rows=rows, held_out=2000, sample=4000)
    assert "4,000 reviews, 2 seeds" in line and "bertnotes 87.1%, 86.0%; the original loop 87.0%, 88.0%." in line


@pytest.mark.parametrize("changes", [{"summary": {}, "readings": 3}, {"summary": {"bertnotes": {}}}, {"environment": None}])
def test_a_damaged_measurement_is_named(root, changes):
    with pytest.raises(ValueError, match=r"bench-a\.json is no record"):
        speed(root, **changes)


def test_no_measurements_say_so(root):
    assert readme_tables.speed_tables(root) == "no measurements yet"


@pytest.mark.parametrize("name", ["accuracy", "train_reviews", "train_seconds", "model", "environment.device"])
def test_missing_field_is_named_with_its_file(root, capsys, name):
    path = write(root)
    record = json.loads(path.read_text())
    *outer, last = name.split(".")
    del (record[outer[0]] if outer else record)[last]
    path.write_text(json.dumps(record))
    before = (root / "README.md").read_text(encoding="utf-8")
    assert readme_tables.main([], root) == 2
    said = capsys.readouterr().err
    assert path.name in said and repr(name) in said
    assert (root / "README.md").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    "content, said", [("{", "is not JSON"), ("[]", "holds a list"), (json.dumps({**RECORD, "accuracy": "high"}), "'accuracy'")]
)
def test_file_that_is_no_record_is_named(root, content, said):
    write(root).write_text(content)
    with pytest.raises(ValueError, match=rf"imdb-5000-mini\.json.*{said}"):
        rows(root)


def test_check_writes_nothing_and_fails_where_readme_is_stale(root):
    write(root)
    assert readme_tables.main(["--check"], root) == 1
    assert (root / "README.md").read_text(encoding="utf-8") == README
    assert readme_tables.main([], root) == 0
    assert readme_tables.main(["--check"], root) == 0
    for file, old in FILES.items():
        text = (root / file).read_text(encoding="utf-8")
        assert text.startswith("# x\n") and text.endswith(old[-20:]) and "to be replaced" not in text


PAGE = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 · Self-attention: twice the same
#
# **The question.** A sentence looks at itself. What changes,
# and what when it looks at another one?
#
# **You need:** nothing. **Time:** about 30 minutes to read.
"""
ROW = "| 02 | [Self-attention](notebooks/02_self.ipynb) | 30 | What changes, and what when it looks at another one? |"


def test_pages_come_and_go_by_themselves(root):
    source = root / "notebooks" / "src" / "02_self.py"
    source.parent.mkdir()
    source.write_text(PAGE, encoding="utf-8")
    with_page = readme_tables.updated("README.md", root)
    (root / "README.md").write_text(with_page, encoding="utf-8")
    assert ROW in with_page and "README.md" not in readme_tables.stale(root)
    source.write_text(PAGE.replace("}", '} question="Why?"', 1), encoding="utf-8")
    assert ROW.replace("What changes, and what when it looks at another one?", "Why?") in readme_tables.updated(
        "README.md", root
    )
    source.unlink()
    assert "Self" not in readme_tables.updated("README.md", root)


def test_the_map_on_page_00_has_every_other_page(root):
    folder = root / "notebooks" / "src"
    folder.mkdir()
    (folder / "02_self.py").write_text(PAGE, encoding="utf-8")
    start = PAGE.replace("02 · ", "00 · ") + f"\n# %% [markdown]\n# {course.MARK}\n"
    (folder / "00_start.py").write_text(start, encoding="utf-8")
    cells = build_notebooks.read_source(folder / "00_start.py").cells
    assert cells[1].source.splitlines()[2:] == [ROW.replace("notebooks/", "")] and "question" not in cells[0].metadata


@pytest.mark.parametrize(
    ("gone", "said"),
    [("# # 02 · ", "NN · Title"), ("**The question.**", "The question"), ("about 30", r"Time:\*\* about NN minutes")],
)
def test_a_page_that_lacks_what_the_tables_tell_is_named(root, gone, said):
    source = root / "notebooks" / "src" / "02_self.py"
    source.parent.mkdir()
    source.write_text(PAGE.replace(gone, "# "), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"02_self\.py lacks .*{said}"):
        readme_tables.updated("README.md", root)


@pytest.mark.parametrize("broken", ["", README.replace("five:end", "five:stop"), README + README])
def test_markers_are_needed_once(root, broken):
    (root / "README.md").write_text(broken, encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md needs the lines"):
        readme_tables.updated("README.md", root)
