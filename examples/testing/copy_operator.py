"""The same operator in Python, with nothing but its standard library: KUBECONFIG=FILE python3 copy_operator.py.

Not operator.py: Python has a module of that name, and looks beside the program first.
"""

import base64, json, os, ssl, urllib.error, urllib.request

with open(os.environ["KUBECONFIG"]) as file:
    config = json.load(file)
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
tls = ssl.create_default_context(cadata=authority)


def ask(method, path, body=None, content_type="application/json"):
    headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": content_type}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(cluster["server"] + path, data, headers, method=method)
    return urllib.request.urlopen(request, context=tls)


def copy(item):
    metadata = item["metadata"]
    namespace = metadata["labels"]["copy-to"]
    wanted = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": metadata["name"]},
        "data": item.get("data", {}),
    }
    path = f"/api/v1/namespaces/{namespace}/configmaps/{metadata['name']}?fieldManager=operator&force=true"
    ask("PATCH", path, wanted, "application/apply-patch+yaml").close()


found = json.load(ask("GET", "/api/v1/configmaps?labelSelector=copy-to"))
for item in found["items"]:
    copy(item)
version = found["metadata"]["resourceVersion"]
for line in ask("GET", f"/api/v1/configmaps?watch=1&labelSelector=copy-to&resourceVersion={version}"):
    event = json.loads(line)
    if event["type"] in ("ADDED", "MODIFIED"):
        copy(event["object"])
