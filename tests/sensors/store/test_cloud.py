"""Logs from Azure Blob and S3: against Azurite, the emulator Azure's own tests use, and a local S3 server."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import pytest
from conftest import REQUIRE_BROWSER

from ellimaps.core.errors import ReadError
from ellimaps.sensors.store.logs import open_log

AZURITE = "azurite@3.35.0"
LOG = "region,source_id,sensor_name,datetime,sensor_value,UTCOffset\n" + "".join(
    f"Europe,E1,room_temperature,2025-01-06 {hour:02}:00:00,{20 + hour / 100},1\n" for hour in range(24)
)
# The account every emulator has; its key is published with it.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    """The connection string of a running Azurite."""
    program = _installed()
    port = _free_port()
    folder = tmp_path_factory.mktemp("azurite")
    command = ["node", str(program), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    with _running(command, port):
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        )


@pytest.fixture
def abfs(azurite, monkeypatch):
    """A container with a log and a folder of two, and its address as users give it."""
    from azure.storage.blob import BlobServiceClient

    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite)
    with BlobServiceClient.from_connection_string(azurite) as service:
        container = service.get_container_client("logs")
        if not container.exists():
            container.create_container()
        _fill(lambda name, text: container.upload_blob(name, text.encode(), overwrite=True))
    return "abfs://logs"


@pytest.fixture(scope="module")
def s3_port():
    """The port of a running S3 server."""
    port = _free_port()
    program = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    with _running([sys.executable, "-c", program], port):
        yield port


@pytest.fixture
def s3(s3_port, monkeypatch):
    """A bucket with a log and a folder of two, and its address as users give it."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="logs")
    _fill(lambda name, text: client.put_object(Bucket="logs", Key=name, Body=text.encode()))
    client.close()
    return "s3://logs"


@pytest.fixture(params=["abfs", "s3"])
def place(request):
    return request.getfixturevalue(request.param)


def test_a_file_and_a_folder_are_read_from_the_cloud(place):
    log = open_log(f"{place}/log.csv")
    assert list(log.sensors["source_id"]) == ["E1"]
    values = log.series("Europe", "E1", "room_temperature")
    assert len(values) == 24
    assert str(values.index[0]) == "2025-01-06 01:00:00"
    folder = open_log(f"{place}/folder")
    assert list(folder.sensors["source_id"]) == ["E1", "E2"]


def test_a_log_that_changed_in_the_cloud_is_read_again(place):
    assert len(open_log(f"{place}/log.csv").select()) == 24
    shorter = "\n".join(LOG.splitlines()[:11]) + "\n"
    _overwrite(place, "log.csv", shorter)
    assert len(open_log(f"{place}/log.csv").select()) == 10


def test_what_is_not_there_is_one_sentence(place):
    with pytest.raises(ReadError, match="cannot be read"):
        open_log(f"{place}/absent.csv")


def test_credentials_come_from_the_environment_and_stay_out_of_messages(abfs, azurite, monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    with pytest.raises(ReadError, match="set AZURE_STORAGE_CONNECTION_STRING in the environment"):
        open_log(f"{abfs}/log.csv")
    wrong = "d3Jvbmcga2V5"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.replace(KEY, wrong))
    with pytest.raises(ReadError) as told:
        open_log(f"{abfs}/folder")
    assert wrong not in str(told.value)


def test_a_pattern_is_all_files_that_fit_it(place):
    log = open_log(f"{place}/folder/*.csv")
    assert list(log.sensors["source_id"]) == ["E1", "E2"]
    assert list(open_log(f"{place}/fol*/b.csv").sensors["source_id"]) == ["E2"]
    with pytest.raises(ReadError, match="holds no log"):
        open_log(f"{place}/folder/*.parquet")


@pytest.mark.parametrize(
    ("there", "url", "missing"),
    [
        ({}, "abfs://logs/log.csv", "set AZURE_STORAGE_CONNECTION_STRING in"),
        (
            {"AZURE_STORAGE_ACCOUNT_NAME": "lab"},
            "abfs://logs/log.csv",
            "set AZURE_STORAGE_ACCOUNT_KEY in the environment .or .*AZURE_STORAGE_ACCOUNT_NAME with "
            "AZURE_STORAGE_SAS_TOKEN",
        ),
        ({}, "s3://logs/log.csv", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in"),
        ({"AWS_ACCESS_KEY_ID": "lab"}, "s3://logs/log.csv", "set AWS_SECRET_ACCESS_KEY in"),
    ],
)
def test_a_variable_that_is_missing_is_named_before_anything_is_asked(monkeypatch, there, url, missing):
    for name in list(os.environ):
        if name.startswith(("AZURE_", "AWS_")):
            monkeypatch.delenv(name)
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    # Whoever tried another identity would ask the network.
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("the network was asked"))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(ReadError, match=missing):
        open_log(url)


def _fill(put):
    put("log.csv", LOG)
    put("folder/a.csv", LOG)
    put("folder/b.csv", LOG.replace("E1", "E2"))
    put("folder/truth.json", "{}")


def _overwrite(place, name, text):
    if place.startswith("s3"):
        import boto3

        client = boto3.client("s3")
        client.put_object(Bucket="logs", Key=name, Body=text.encode())
        client.close()
        return
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"]) as service:
        service.get_container_client("logs").upload_blob(name, text.encode(), overwrite=True)


def _installed() -> Path:
    """Where Azurite is; it is installed once into the temporary folder."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _without_azurite("there is no npm on the path")
    folder = Path(tempfile.gettempdir()) / f"ellimaps-{getpass.getuser()}-{AZURITE.replace('@', '-')}"
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.is_file():
        with tempfile.TemporaryDirectory(prefix="ellimaps-npm-") as staging:
            command = [
                npm,
                "install",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefix",
                staging,
                AZURITE,
            ]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            except subprocess.TimeoutExpired:
                _without_azurite(f"npm did not install {AZURITE} within 5 minutes")
            if done.returncode:
                _without_azurite(f"npm cannot install {AZURITE}: {done.stderr.strip()[-300:]}")
            try:
                shutil.move(staging, folder)
            except OSError:
                # Another worker was faster.
                assert program.is_file()
            Path(staging).mkdir(exist_ok=True)
    return program


def _without_azurite(why: str) -> NoReturn:
    """Skip what needs the emulator; where continuous integration asks for everything, fail."""
    told = f"Azure Blob is not tested, as its emulator Azurite cannot be installed: {why}"
    pytest.fail(told) if REQUIRE_BROWSER else pytest.skip(told)


class _running:
    """A server in a process of its own, from the first answer of its port to the end of the block."""

    def __init__(self, command: list[str], port: int) -> None:
        self._command, self._port = command, port

    def __enter__(self) -> None:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)
        for _ in range(900):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self._log.seek(0)
        said = self._log.read()[-500:]
        self.__exit__()
        raise AssertionError(f"{self._command[:2]} did not start: {said!r}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
