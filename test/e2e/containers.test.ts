// What only real containers show: logs, exec, traffic, volumes, probes, restarts.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCluster, whyNoContainers } from './cluster.ts';
import { table, walkThrough } from './walk-through.ts';

const skip = whyNoContainers() ?? false;

/** GET of a URL on this machine: the body, or a rejection. */
function fetchText(url: string, timeoutMs = 3000): Promise<{ body: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ body, headers: response.headers }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`timed out: ${url}`)));
    request.on('error', reject);
  });
}

/** Waits for a line on a child's standard output. */
function lineFrom(child: ChildProcess, pattern: RegExp): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match) resolve(match);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before ${pattern}: ${text}`)));
  });
}

describe('a cluster with real containers', { skip }, () => {
  let cluster: TestCluster;
  const kubectl = (line: string, input?: string) => cluster.kubectl(line, input === undefined ? {} : { input });
  const apply = (manifest: string) => kubectl('apply -f -', manifest);
  const ready = (line: string) => kubectl(`wait --for=condition=Ready --timeout=180s ${line}`);

  before(async () => {
    cluster = await TestCluster.create();
    await cluster.loadImages('pause', 'busybox', 'nginx');
    await cluster.eventually(
      'the default service account is there',
      async () => (await cluster.tryKubectl('get sa default')).code === 0,
    );
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test('the walk-through', async (t) => {
    await walkThrough(t, cluster);
  });

  test('logs, exec, attach, cp and port-forward reach into a container', async () => {
    await kubectl('run web --image=nginx:1.7.9 --port=80');
    await ready('pod/web');
    const ip = (await cluster.json('get pod web')).status.podIP;
    await fetchText(`http://${ip}/`);
    await cluster.eventually('the request is in the log', async () => /GET \/ HTTP/.test(await kubectl('logs web')));
    assert.equal(await kubectl('exec web -- echo hello'), 'hello\n');
    assert.equal(await kubectl('exec -i web -- cat', 'through stdin'), 'through stdin');
    assert.equal((await cluster.tryKubectl(`exec web -- sh -c 'exit 7'`)).code, 7);
    const terminal = await cluster.terminal(`exec -it web -- sh -c 'test -t 0 && echo a terminal'`);
    assert.match(terminal.stdout, /a terminal/);
    const local = await cluster.file('page.html', '<h1>copied</h1>');
    await kubectl(`cp ${local} web:/usr/share/nginx/html/page.html`);
    assert.equal((await fetchText(`http://${ip}/page.html`)).body, '<h1>copied</h1>');
    await kubectl(`cp web:/usr/share/nginx/html/page.html ${local}.back`);
    assert.equal(await readFile(`${local}.back`, 'utf8'), '<h1>copied</h1>');
    const forwarding = cluster.background('port-forward pod/web :80');
    const [, port] = await lineFrom(forwarding, /127\.0\.0\.1:(\d+) -> 80/);
    for (let round = 0; round < 5; round++)
      assert.match((await fetchText(`http://127.0.0.1:${port}/page.html`)).body, /copied/);
    forwarding.kill();
    await kubectl('delete pod web --now');
  });

  test('run --rm -it gives a shell and takes its pod away; attach follows a running one', async () => {
    const output = await cluster.terminal(
      'run shell --rm -it --restart=Never --image=busybox:1.36 -- sh',
      'echo typed $((40+2))\nexit\n',
    );
    assert.match(output.stdout, /typed 42/);
    assert.match(output.stdout, /pod "shell" deleted/);
    // Over before kubectl has attached, in most cases; heard all the same.
    for (let round = 0; round < 3; round++) {
      const brief = await cluster.tryKubectl(
        `run brief --rm -i --restart=Never --image=busybox:1.36 -- sh -c 'echo said; exit 4'`,
      );
      assert.match(brief.stdout, /^said$/m);
      assert.equal(brief.code, 4, brief.stderr);
      assert.doesNotMatch(brief.stderr, /couldn't attach/);
    }
    await kubectl(`run ticker --image=busybox:1.36 -- sh -c 'while true; do date; sleep 0.2; done'`);
    await ready('pod/ticker');
    const attached = cluster.background('attach ticker');
    await lineFrom(attached, /\d\d:\d\d:\d\d .*\n.*\d\d:\d\d:\d\d/);
    attached.kill();
    await kubectl('delete pod ticker --now');
  });

  test('a Service is reached by address, by name and by node port while a rollout runs, and no request fails', async () => {
    // Without a probe a pod is ready as soon as its process runs, and that is before nginx listens.
    await apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: nginx
        image: nginx:1.7.9
        ports: [{containerPort: 80}]
        readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  type: NodePort
  selector: {app: shop}
  ports: [{port: 80, targetPort: 80}]
`);
    await kubectl('rollout status deployment/shop --timeout=180s');
    const service = await cluster.json('get service shop');
    const node = (await cluster.json('get nodes')).items[0].status.addresses.find(
      (each: any) => each.type === 'InternalIP',
    ).address;
    const nodePort = service.spec.ports[0].nodePort;
    await cluster.eventually('the virtual IP answers the host', async () =>
      /Welcome to nginx/.test((await fetchText(`http://${service.spec.clusterIP}/`)).body),
    );
    assert.match((await fetchText(`http://${node}:${nodePort}/`)).body, /Welcome to nginx/);
    await kubectl('run client --image=busybox:1.36 --command -- sleep 3600');
    await ready('pod/client');
    for (const url of [
      `http://${service.spec.clusterIP}/`,
      'http://shop/',
      'http://shop.default.svc.cluster.local/',
      `http://${node}:${nodePort}/`,
    ]) {
      assert.match(await kubectl(`exec client -- wget -qO- ${url}`), /Welcome to nginx/, url);
    }
    assert.match(
      await kubectl('exec client -- nslookup kubernetes.default.svc.cluster.local'),
      /Address.*10\.\d+\.0\.1/,
    );

    let requests = 0;
    const failures: string[] = [];
    const images = new Set<unknown>();
    let isRolling = true;
    const client = (async () => {
      while (isRolling) {
        requests++;
        await fetchText(`http://${service.spec.clusterIP}/`).then(
          ({ headers }) => images.add(headers['x-image']),
          (error) => failures.push(String(error)),
        );
      }
    })();
    // nginx ends at once on TERM, and has no preStop hook: the rules let go of a pod before it is told to stop.
    await kubectl('set image deployment/shop nginx=nginx:1.7.9-alpine');
    await kubectl('rollout status deployment/shop --timeout=180s');
    await kubectl('set image deployment/shop nginx=nginx:1.9.1');
    await kubectl('rollout status deployment/shop --timeout=180s');
    isRolling = false;
    await client;
    assert.deepEqual(failures, [], `${failures.length} of ${requests} requests failed`);
    assert.ok(images.has('nginx:1.9.1') && requests > 20, `${requests} requests, images ${[...images]}`);

    // Of the rollout before, one may still be going.
    const pods = (await cluster.json('get pods -l app=shop')).items;
    const stays = pods.find(({ metadata }: any) => !metadata.deletionTimestamp);
    await kubectl(`delete pod ${stays.metadata.name} --now`);
    await cluster.eventually('another takes its place', async () => {
      const running = table(await kubectl('get pods -l app=shop --field-selector=status.phase=Running'));
      return running.length === 3 && running.every((each) => each['READY'] === '1/1' && each['STATUS'] === 'Running');
    });
    await kubectl('delete deployment/shop service/shop pod/client --now');
  });

  test('a killed process is started again; probes take a pod out of its Service and restart it', async () => {
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: probed, labels: {app: probed}}
spec:
  containers:
  - name: main
    image: nginx:1.7.9
    readinessProbe: {exec: {command: [test, '!', -e, /tmp/unready]}, periodSeconds: 1}
    livenessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1, failureThreshold: 2}
---
apiVersion: v1
kind: Service
metadata: {name: probed}
spec: {selector: {app: probed}, ports: [{port: 80}]}
`);
    await ready('pod/probed');
    const endpoints = async () =>
      (await cluster.json('get endpointslices -l kubernetes.io/service-name=probed')).items
        .flatMap((slice: any) => slice.endpoints ?? [])
        .filter((each: any) => each.conditions.ready).length;
    const restarts = async () =>
      (await cluster.json('get pod probed')).status.containerStatuses[0].restartCount as number;
    await cluster.eventually('the pod is an endpoint', async () => (await endpoints()) === 1);
    await kubectl('exec probed -- touch /tmp/unready');
    await cluster.eventually('the pod is out of the Service', async () => (await endpoints()) === 0);
    assert.equal(table(await kubectl('get pod probed'))[0]!['READY'], '0/1');
    await kubectl('exec probed -- rm /tmp/unready');
    await cluster.eventually('the pod is back', async () => (await endpoints()) === 1);
    await kubectl(`exec probed -- sh -c 'kill 1'`);
    await cluster.eventually('it was restarted', async () => (await restarts()) === 1);
    await ready('pod/probed');
    await kubectl(`exec probed -- sh -c 'sed -i s/80/81/ /etc/nginx/conf.d/default.conf && nginx -s reload'`);
    await cluster.eventually('the liveness probe restarted it', async () => (await restarts()) >= 2);
    assert.match(await kubectl('describe pod probed'), /Unhealthy .*Liveness probe failed/);
    await kubectl('delete pod/probed service/probed --now');
  });

  test('configuration reaches a pod as environment and as files, and changed files follow', async () => {
    await kubectl('create configmap settings --from-literal=color=blue --from-literal=file.txt=first');
    await kubectl('create secret generic login --from-literal=user=ada --from-literal=password=lovelace');
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: configured, labels: {app: configured}, annotations: {note: hi}}
spec:
  initContainers:
  - {name: prepare, image: 'busybox:1.36', command: [sh, -c, 'echo prepared > /shared/init'], volumeMounts: [{name: shared, mountPath: /shared}]}
  containers:
  - name: main
    image: busybox:1.36
    command: [sleep, '3600']
    env:
    - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: LOGIN, valueFrom: {secretKeyRef: {name: login, key: user}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
    - {name: BOTH, value: '$(COLOR)-$(POD)'}
    resources: {limits: {memory: 64Mi, cpu: 500m}}
    volumeMounts:
    - {name: settings, mountPath: /etc/settings}
    - {name: login, mountPath: /etc/login, readOnly: true}
    - {name: shared, mountPath: /shared}
    - {name: about, mountPath: /etc/about}
    - {name: host, mountPath: /host}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: login, secret: {secretName: login, defaultMode: 0400}}
  - {name: shared, emptyDir: {}}
  - {name: host, hostPath: {path: ${cluster.folder}/host, type: DirectoryOrCreate}}
  - name: about
    downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
`);
    await ready('pod/configured');
    const sh = (script: string) => kubectl(`exec configured -c main -- sh -c '${script}'`);
    const ip = (await cluster.json('get pod configured')).status.podIP;
    assert.equal(
      await sh('echo $COLOR $LOGIN $POD $IP $LIMIT $BOTH'),
      `blue ada configured ${ip} 67108864 blue-configured\n`,
    );
    assert.equal(await sh('cat /etc/settings/file.txt /etc/login/password'), 'firstlovelace');
    assert.equal(await sh('stat -L -c %a /etc/login/password'), '400\n');
    assert.equal(await sh('cat /shared/init'), 'prepared\n');
    assert.equal(await sh('cat /etc/about/labels'), 'app="configured"');
    await sh('echo written > /host/out');
    assert.equal(await readFile(join(cluster.folder, 'host/out'), 'utf8'), 'written\n');
    await kubectl(`patch configmap settings -p '{"data":{"file.txt":"second"}}'`);
    await cluster.eventually(
      'the file has the new content',
      async () => (await sh('cat /etc/settings/file.txt')) === 'second',
      120_000,
    );
    await kubectl('delete pod/configured configmap/settings secret/login --now');
  });

  test('two containers share an emptyDir: one writes what the other serves', async () => {
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: two-containers}
spec:
  restartPolicy: Never
  volumes: [{name: shared-data, emptyDir: {}}]
  containers:
  - name: nginx-container
    image: nginx:1.7.9
    volumeMounts: [{name: shared-data, mountPath: /usr/share/nginx/html}]
  - name: writer
    image: busybox:1.36
    volumeMounts: [{name: shared-data, mountPath: /pod-data}]
    command: [sh, -c, 'echo Hello from the other container > /pod-data/index.html']
`);
    const ip = await cluster.eventually('the writer is done', async () => {
      const { status } = await cluster.json('get pod two-containers');
      return status.containerStatuses?.some((each: any) => each.state.terminated?.exitCode === 0) && status.podIP;
    });
    assert.equal((await fetchText(`http://${ip}/`)).body, 'Hello from the other container\n');
    await kubectl('delete pod two-containers --now');
  });

  test('a claim of no class gets a directory of the node, which stays between pods and goes with the claim', async () => {
    const pod = (name: string, command: string) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          restartPolicy: 'Never',
          securityContext: { runAsUser: 1000, fsGroup: 2000 },
          containers: [
            {
              name: 'c',
              image: 'busybox:1.36',
              command: ['sh', '-c', command],
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'kept' } }],
        },
      });
    await apply(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}`);
    await apply(pod('writer', 'echo remembered > /data/note'));
    await kubectl('wait --for=jsonpath={.status.phase}=Succeeded --timeout=180s pod/writer');
    await kubectl('delete pod writer');
    await apply(pod('reader', 'cat /data/note'));
    await kubectl('wait --for=jsonpath={.status.phase}=Succeeded --timeout=180s pod/reader');
    assert.equal(await kubectl('logs reader'), 'remembered\n');
    const volume = await kubectl('get pvc kept -o jsonpath={.spec.volumeName}');
    const path = await kubectl(`get pv ${volume} -o jsonpath={.spec.local.path}`);
    assert.equal(await readFile(join(path, 'note'), 'utf8'), 'remembered\n');
    await kubectl('delete pod/reader pvc/kept');
    await kubectl(`wait --for=delete --timeout=180s pv/${volume}`);
    await assert.rejects(readFile(join(path, 'note'), 'utf8'), { code: 'ENOENT' });
  });

  test('what keeps a file server’s folder from being mounted is said in an event', async () => {
    const nfs = { server: '127.0.0.1', path: '/nothing' };
    const spec = {
      containers: [{ name: 'c', image: 'busybox:1.36', volumeMounts: [{ name: 'share', mountPath: '/share' }] }],
      volumes: [{ name: 'share', nfs }],
    };
    await apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'guest' }, spec }));
    await cluster.eventually('the event', async () => {
      const told = await kubectl('get events --field-selector reason=FailedMount,involvedObject.name=guest -o json');
      return /MountVolume.SetUp failed for volume \\"share\\" : mount failed: exit status 32\\nMounting command: mount\\nMounting arguments: -t nfs 127.0.0.1:\/nothing /.test(
        told,
      );
    });
    await kubectl('delete pod guest --now');
  });

  test('a pod calls the API with its service account token', async () => {
    await kubectl('create serviceaccount reader');
    await kubectl('create role reader --verb=get,list --resource=pods');
    await kubectl('create rolebinding reader --role=reader --serviceaccount=default:reader');
    await kubectl(`run caller --image=nginx:1.7.9 --overrides='{"spec":{"serviceAccountName":"reader"}}'`);
    await ready('pod/caller');
    const call = (path: string) =>
      kubectl(
        `exec caller -- sh -c 'D=/var/run/secrets/kubernetes.io/serviceaccount; curl -s --cacert $D/ca.crt -H "Authorization: Bearer $(cat $D/token)" https://kubernetes.default.svc/api/v1/namespaces/$(cat $D/namespace)/${path}'`,
      );
    assert.ok(JSON.parse(await call('pods')).items.some((pod: any) => pod.metadata.name === 'caller'));
    const refused = JSON.parse(await call('secrets'));
    assert.equal(refused.code, 403);
    assert.match(
      refused.message,
      /User "system:serviceaccount:default:reader" cannot list resource "secrets" in API group "" in the namespace "default"/,
    );
    await kubectl('delete pod/caller rolebinding/reader role/reader serviceaccount/reader --now');
  });

  test('a Job completes, and a namespace goes with all that is in it', async () => {
    await kubectl('create namespace scratch');
    await kubectl(`-n scratch create job sum --image=busybox:1.36 -- sh -c 'echo $((6*7))'`);
    await kubectl('-n scratch wait --for=condition=Complete job/sum --timeout=180s');
    assert.equal(await kubectl('-n scratch logs job/sum'), '42\n');
    assert.equal(table(await kubectl('-n scratch get job'))[0]!['COMPLETIONS'], '1/1');
    await kubectl('-n scratch create deployment idle --image=nginx:1.7.9');
    await kubectl('-n scratch create configmap some --from-literal=a=b');
    await kubectl('delete namespace scratch --timeout=180s');
    assert.match((await cluster.tryKubectl('get namespace scratch')).stderr, /namespaces "scratch" not found/);
    assert.equal(
      (await cluster.json('get pods -A')).items.filter((pod: any) => pod.metadata.namespace === 'scratch').length,
      0,
    );
  });

  test('an image that can not be had is said so', async () => {
    await kubectl('run nowhere --image=registry.invalid/nothing:1');
    await cluster.eventually('the pull fails', async () =>
      /ErrImagePull|ImagePullBackOff/.test(await kubectl('get pod nowhere')),
    );
    await cluster.eventually('it backs off', async () => /ImagePullBackOff/.test(await kubectl('get pod nowhere')));
    assert.match(await kubectl('describe pod nowhere'), /Failed to pull image "registry.invalid\/nothing:1"/);
    await kubectl('delete pod nowhere --now');
  });

  test('image build makes an image of a folder, and ls lists it', async () => {
    const folder = join(cluster.folder, 'rootfs');
    await mkdir(join(folder, 'bin'), { recursive: true });
    await kubectl('run giver --image=busybox:1.36 --command -- sleep 3600');
    await kubectl('wait --for=condition=Ready pod/giver --timeout=180s');
    await kubectl(`cp giver:/bin/busybox ${folder}/bin/busybox`);
    await chmod(join(folder, 'bin/busybox'), 0o755);
    await kubectl('delete pod giver --now');
    await writeFile(join(folder, 'greeting'), 'built here\n');
    const built = await cluster.coracle([
      'image',
      'build',
      folder,
      '-t',
      'greeter:1',
      '--cmd',
      '/bin/busybox',
      'cat',
      '/greeting',
    ]);
    assert.equal(built.code, 0, built.stderr);
    assert.match((await cluster.coracle(['image', 'ls'])).stdout, /^greeter:1\t/m);
    await kubectl('run greeter --image=greeter:1 --restart=Never');
    await kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/greeter --timeout=180s');
    assert.equal(await kubectl('logs greeter'), 'built here\n');
    await kubectl('delete pod greeter --now');
  });
});
