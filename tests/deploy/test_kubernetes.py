"""Manifests: valid by Kubernetes' own schema, without privilege, and one fits the other."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import commands
import kubernetes_validate
import pytest
import yaml

from scanner.execution.recipes import DEPLOY

FOLDER = DEPLOY / "kubernetes"
VERSIONS = ("1.29", "1.37")
DRAIN = 120
MANIFESTS = [
    (path.name, document)
    for path in commands.KUBERNETES
    if path.name != "kustomization.yaml"
    for document in commands.documents(path)
]
PODS = list(commands.pods())


def kinds(kind: str) -> dict[str, Any]:
    found = (d for _, d in MANIFESTS if d["kind"] == kind)
    return {d["metadata"].get("name", d["metadata"].get("generateName")): d for d in found}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "manifest"), MANIFESTS, ids=lambda v: v if isinstance(v, str) else v["kind"]
)
def test_schema(name, manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


def test_schema_refuses_what_is_wrong():
    [(_, good), *_] = [pair for pair in MANIFESTS if pair[0] == "workers.yaml"]
    bad = yaml.safe_load(yaml.safe_dump(good).replace("livenessProbe", "livenesProbe"))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(bad, VERSIONS[-1], strict=True)


def test_everything_is_applied_or_created_by_hand():
    [kustomization] = commands.documents(FOLDER / "kustomization.yaml")
    assert set(kustomization) == {"apiVersion", "kind", "namespace", "resources"}
    files = {path.name for path in commands.KUBERNETES}
    assert set(kustomization["resources"]) == files - {"kustomization.yaml", "scan.yaml"}
    namespaces = {d["metadata"].get("namespace") for _, d in MANIFESTS if d["kind"] != "Namespace"}
    assert namespaces == {kustomization["namespace"]} == set(kinds("Namespace"))


def test_kubectl_puts_it_together():
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here; what it would read is checked by the other tests")
    done = subprocess.run(
        ["kubectl", "kustomize", FOLDER], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    applied = [d for name, d in MANIFESTS if name != "scan.yaml"]
    assert sorted(d["kind"] for d in built) == sorted(d["kind"] for d in applied)


@pytest.mark.parametrize(("name", "pod"), PODS, ids=[name for name, _ in PODS])
def test_pods_pass_the_restricted_standard(name, pod):
    assert kinds("Namespace")["cevns-scanner"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001  # as in the Containerfile
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["image"] == "cevns-scanner"
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in spec["volumes"]}
        assert mounts["tls"]["mountPath"] == "/etc/cevns-scanner/tls"
        assert mounts["tls"]["readOnly"] is True


def test_one_part_fits_the_other():
    service = kinds("Service")["scheduler"]
    scheduler, workers = kinds("Deployment")["scheduler"], kinds("Deployment")["workers"]
    assert service["spec"]["selector"] == scheduler["spec"]["template"]["metadata"]["labels"]
    [port] = service["spec"]["ports"]
    address = f"tls://{service['metadata']['name']}:{port['port']}"
    for name, pod in PODS:
        [container] = pod["spec"]["containers"]
        told = {e["name"]: e["value"] for e in container.get("env", [])}
        assert told.get("DASK_SCHEDULER_ADDRESS") == (None if name == "scheduler.yaml" else address)
        [claimed] = [v for v in pod["spec"]["volumes"] if v["name"] == "tls"]
        assert claimed["secret"]["secretName"] == "tls"
        stores = [v for v in pod["spec"]["volumes"] if v["name"] == "store"]
        assert all(
            v["persistentVolumeClaim"]["claimName"] in kinds("PersistentVolumeClaim")
            for v in stores
        )
        assert bool(stores) == (name != "scheduler.yaml")
    grace = workers["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace == DRAIN


def test_only_their_own_pods_reach_the_ports_they_listen_on():
    policy = kinds("NetworkPolicy")["scanner"]["spec"]
    assert policy["podSelector"] == {}
    [rule] = policy["ingress"]
    [peer] = rule["from"]
    labels = peer["podSelector"]["matchLabels"].items()
    assert all(labels <= pod["metadata"]["labels"].items() for _, pod in PODS)
    ports = {port["port"] for port in rule["ports"]}
    listening = {
        port["containerPort"]
        for _, pod in PODS
        for port in pod["spec"]["containers"][0].get("ports", [])
        if port["name"] == "dask"
    }
    assert ports == listening
