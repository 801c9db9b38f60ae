"""A day's work with the official Python client. Any surprise ends it with a traceback."""
import threading
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic.exceptions import ConflictError

config.load_kube_config()
core, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
NS = "python"


def refused(code, reason, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiException as error:
        assert error.status == code, f"expected {code}, got {error.status}: {error.body}"
        assert reason in str(error.body), error.body
        return error
    raise AssertionError(f"expected {code}")


assert client.VersionApi().get_code().minor.startswith("36")
core.create_namespace({"metadata": {"name": NS}})
deployment = client.V1Deployment(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1DeploymentSpec(
        replicas=3,
        selector=client.V1LabelSelector(match_labels={"app": "web"}),
        template=client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels={"app": "web"}),
            spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="nginx")]),
        ),
    ),
)
made = apps.create_namespaced_deployment(NS, deployment)
assert made.spec.strategy.rolling_update.max_surge == "25%"
for event in watch.Watch().stream(apps.list_namespaced_deployment, NS, timeout_seconds=60):
    if (event["object"].status.available_replicas or 0) == 3:
        break
else:
    raise AssertionError("never available")

# Patches: strategic merge, JSON, merge; then the scale.
apps.patch_namespaced_deployment("web", NS, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}})
apps.patch_namespaced_deployment("web", NS, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
apps.patch_namespaced_deployment_scale("web", NS, {"spec": {"replicas": 2}})
now = apps.read_namespaced_deployment("web", NS)
assert (now.spec.template.spec.containers[0].image, now.metadata.labels, now.spec.replicas) == ("nginx:2", {"a": "b"}, 2)

# Errors are Status objects with the right codes.
refused(404, "NotFound", core.read_namespaced_pod, "nobody", NS)
refused(409, "AlreadyExists", apps.create_namespaced_deployment, NS, deployment)
refused(422, "Invalid", core.create_namespaced_config_map, NS, {"metadata": {"name": "Not_A_Name"}})
stale = apps.read_namespaced_deployment("web", NS)
stale.metadata.resource_version = "1"
refused(409, "Conflict", apps.replace_namespaced_deployment, "web", NS, stale)

# Pages, selectors, a watch from where the list ended.
for n in range(25):
    core.create_namespaced_config_map(NS, {"metadata": {"name": f"c{n}", "labels": {"odd": str(n % 2)}}, "data": {"n": str(n)}})
seen, token = [], None
while True:
    page = core.list_namespaced_config_map(NS, limit=10, _continue=token, label_selector="odd=1")
    seen += [item.metadata.name for item in page.items]
    token = page.metadata._continue
    if not token:
        break
assert len(seen) == 12 and len(set(seen)) == 12
names = []
threading.Timer(0.3, lambda: core.create_namespaced_config_map(NS, {"metadata": {"name": "late"}})).start()
for event in watch.Watch().stream(core.list_namespaced_config_map, NS, resource_version=page.metadata.resource_version, timeout_seconds=20):
    names.append(event["object"].metadata.name)
    break
assert names == ["late"], names

# Custom resources through the dynamic client.
crd = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "boats.python.example.com"},
    "spec": {
        "group": "python.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "singular": "boat", "kind": "Boat"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"length": {"type": "integer", "minimum": 1, "default": 3}}},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}
utils.create_from_dict(client.ApiClient(), crd)
dynamic_client = dynamic.DynamicClient(client.ApiClient())
for attempt in range(50):
    try:
        boats = dynamic_client.resources.get(api_version="python.example.com/v1", kind="Boat")
        break
    except Exception:
        time.sleep(0.1)
        dynamic_client.resources.invalidate_cache()
boat = {"apiVersion": "python.example.com/v1", "kind": "Boat", "metadata": {"name": "b"}, "spec": {}}
assert boats.create(body=boat, namespace=NS).spec.length == 3
applied = boats.server_side_apply(body={**boat, "spec": {"length": 5}}, namespace=NS, name="b", field_manager="me", force_conflicts=True)
assert applied.spec.length == 5 and any(f.manager == "me" for f in applied.metadata.managedFields)
try:
    boats.server_side_apply(body={**boat, "spec": {"length": 6}}, namespace=NS, name="b", field_manager="you")
    raise AssertionError("no conflict")
except ConflictError as error:
    assert "conflict with" in str(error.body), error.body
refused(422, "spec.length", boats.patch, body={"spec": {"length": 0}}, namespace=NS, name="b", content_type="application/merge-patch+json")

# Tokens: one of a service account may do what its role says and nothing else.
core.create_namespaced_service_account(NS, {"metadata": {"name": "reader"}})
rbac = client.RbacAuthorizationV1Api()
rbac.create_namespaced_role(NS, {"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]})
rbac.create_namespaced_role_binding(
    NS,
    {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": NS}],
    },
)
token = core.create_namespaced_service_account_token("reader", NS, {"spec": {"expirationSeconds": 600}}).status.token
settings = client.Configuration.get_default_copy()
settings.cert_file = settings.key_file = None
settings.api_key = {"authorization": f"Bearer {token}"}
reader = client.CoreV1Api(client.ApiClient(settings))
assert len(reader.list_namespaced_config_map(NS).items) >= 26
refused(403, "Forbidden", reader.list_namespaced_secret, NS)

# A job runs to its end; the namespace goes with all in it.
batch.create_namespaced_job(
    NS,
    {
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}},
    },
)
for event in watch.Watch().stream(batch.list_namespaced_job, NS, timeout_seconds=60):
    if event["object"].status.succeeded == 1:
        break
else:
    raise AssertionError("the job did not end")
core.delete_namespace(NS)
for attempt in range(300):
    try:
        core.read_namespace(NS)
        time.sleep(0.1)
    except ApiException as error:
        assert error.status == 404
        break
else:
    raise AssertionError("the namespace stays")
client.ApiextensionsV1Api().delete_custom_resource_definition("boats.python.example.com")
print("python: all well")
