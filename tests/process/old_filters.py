"""Postmaster filters as other systems write them: the same rows in every form that an administrator may have at hand."""

import csv
import io
import json
from collections.abc import Sequence

Row = tuple[str, str, str, str, str, str]  # f_name, f_stop, f_type, f_key, f_value, f_not
NAMES = ("f_name", "f_stop", "f_type", "f_key", "f_value", "f_not")

MYSQL_HEAD = r"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: otobo
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;

DROP TABLE IF EXISTS `article_data_mime_plain`;
INSERT INTO `article_data_mime_plain` VALUES (1,1,_binary 'Subject: hello; it\'s me\n\nINSERT INTO postmaster_filter VALUES (\'evil\',1,\'Match\',\'From\',\'.\',0);\n');
--
-- Table structure for table `postmaster_filter`
--
CREATE TABLE `postmaster_filter` (
  `f_name` varchar(191) COLLATE utf8mb4_unicode_ci NOT NULL,
  `f_stop` smallint DEFAULT NULL,
  `f_type` varchar(20) COLLATE utf8mb4_unicode_ci NOT NULL,
  `f_key` varchar(200) COLLATE utf8mb4_unicode_ci NOT NULL,
  `f_value` varchar(200) COLLATE utf8mb4_unicode_ci NOT NULL,
  `f_not` smallint DEFAULT NULL,
  KEY `postmaster_filter_f_name` (`f_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

LOCK TABLES `postmaster_filter` WRITE;
/*!40000 ALTER TABLE `postmaster_filter` DISABLE KEYS */;
"""
POSTGRESQL_HEAD = """--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

COPY public.article_data_mime (id, a_body) FROM stdin;
1	it's
INSERT INTO postmaster_filter VALUES ('evil',1,'Match','From','.',0);	x
\\.

"""
ORACLE_HEAD = """REM INSERTING into OTOBO.POSTMASTER_FILTER
SET DEFINE OFF;
"""


def mysql(rows: Sequence[Row]) -> bytes:
    listed = ",".join(f"({','.join(map(mysql_value, row))})" for row in rows)
    return f"{MYSQL_HEAD}INSERT INTO `postmaster_filter` VALUES {listed};\nUNLOCK TABLES;\n".encode()


def mysql_value(value: str) -> str:
    if value in {"NULL", "0", "1"}:
        return value
    for character, escaped in {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\0": "\\0",
        "\x1a": "\\Z",
    }.items():
        value = value.replace(character, escaped)
    return f"'{value}'"


def standard_value(value: str) -> str:
    return value if value in {"NULL", "0", "1"} else "'" + value.replace("'", "''") + "'"


def inserts(rows: Sequence[Row]) -> str:
    """One statement a row, with names, as pg_dump --column-inserts and Oracle's tools write it."""
    return "".join(
        f"INSERT INTO public.postmaster_filter ({', '.join(NAMES)}) VALUES ({', '.join(map(standard_value, row))});\n"
        for row in rows
    )


def postgresql_inserts(rows: Sequence[Row]) -> bytes:
    return (POSTGRESQL_HEAD + inserts(rows)).encode()


def oracle(rows: Sequence[Row]) -> bytes:
    written = inserts(rows).replace("public.postmaster_filter", "OTOBO.POSTMASTER_FILTER")
    return (ORACLE_HEAD + written).replace("INSERT INTO", "Insert into").encode("utf-16")


def copy_value(value: str) -> str:
    if value == "NULL":
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def postgresql_copy(rows: Sequence[Row]) -> bytes:
    lines = "".join("\t".join(map(copy_value, row)) + "\n" for row in rows)
    return f"{POSTGRESQL_HEAD}COPY public.postmaster_filter ({', '.join(NAMES)}) FROM stdin;\n{lines}\\.\n".encode()


def table(rows: Sequence[Row], separator: str = ",") -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator)
    writer.writerows([NAMES, *rows])
    return ("\ufeff" + written.getvalue()).encode()


def objects(rows: Sequence[Row]) -> bytes:
    return json.dumps([dict(zip(NAMES, row, strict=True)) for row in rows]).encode()


def phpmyadmin(rows: Sequence[Row]) -> bytes:
    data = json.loads(objects(rows))
    return json.dumps([{"type": "header"}, {"type": "table", "name": "postmaster_filter", "data": data}]).encode()


def grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def package(rows: Sequence[Row]) -> bytes:
    """PostMasterFilterImportExport"""
    filters = [
        {
            "Name": name,
            "Stop": int(group[0][1]),
            "Entries": [
                {"Type": row[2], "Key": row[3], "Value": row[4], "Not": 1 if row[5] == "1" else 0} for row in group
            ],
        }
        for name, group in grouped(rows).items()
    ]
    return json.dumps({"Version": 1, "Filters": filters}).encode()


def znuny(rows: Sequence[Row]) -> bytes:
    """Export_PostMasterFilter.yaml, as YAML::XS writes it."""
    lines = ["---"]
    for name, group in grouped(rows).items():
        for kind in ("Match", "Not", "Set"):
            found = [row for row in group if row[2] == ("Match" if kind == "Not" else kind)]
            lines.append(f"{'-' if kind == 'Match' else ' '} {kind}:")
            for row in found:
                value = ("~" if row[5] == "NULL" else f"'{row[5]}'") if kind == "Not" else quoted(row[4])
                lines += [f"  - Key: {row[3]}", f"    Value: {value}"]
        lines += [f"  Name: {quoted(name)}", f"  StopAfterMatch: '{group[0][1]}'"]
    return "\n".join([*lines, ""]).encode()


def quoted(value: str) -> str:
    """Plain where Perl's YAML writes it plain, also words that other YAML takes for something else."""
    return value if value.replace("-", "").isalnum() else "'" + value.replace("'", "''") + "'"


FORMS = {
    "mysql": mysql,
    "postgresql inserts": postgresql_inserts,
    "postgresql copy": postgresql_copy,
    "oracle": oracle,
    "csv": table,
    "csv with semicolons": lambda rows: table(rows, ";"),
    "json": objects,
    "phpmyadmin": phpmyadmin,
    "package": package,
    "znuny": znuny,
}
