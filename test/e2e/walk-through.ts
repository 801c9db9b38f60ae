// The articles' walk-through of a Deployment, step by step: each command as they print it, and what it must print.
// Runs on real containers and on simulated nodes; steps that need a container's inside are for the former.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { root, type TestCluster } from './cluster.ts';

const examples = join(root, 'examples/walk-through');
const manifest = (name: string) => join(examples, `${name}.yaml`);

type Step = (name: string, body: () => Promise<void>) => Promise<void>;

/** Steps run in order; after one has failed the others would only add noise, so they are skipped. */
function stepper(t: TestContext): Step {
  let failed = false;
  return async (name, body) => {
    await t.test(name, { skip: failed ? 'an earlier step failed' : false }, async () => {
      failed = true;
      await body();
      failed = false;
    });
  };
}

/** Rows of a kubectl table as objects by column. */
export function table(text: string): Record<string, string>[] {
  const [header = '', ...rows] = text.trimEnd().split('\n');
  const starts = [...header.matchAll(/\S+( \S+)*/g)].map((match) => ({ name: match[0], at: match.index }));
  return rows.map((row) =>
    Object.fromEntries(starts.map(({ name, at }, index) => [name, row.slice(at, starts[index + 1]?.at).trim()])),
  );
}

/** `badImage`: one that cannot be had. The articles' own is a slip of the pen, `nginx:1.91`. */
export async function walkThrough(t: TestContext, cluster: TestCluster, badImage = 'nginx:1.91'): Promise<void> {
  const step = stepper(t);
  const kubectl = (line: string, input?: string) => cluster.kubectl(line, input === undefined ? {} : { input });
  const rolledOut = () => kubectl('rollout status deployment/nginx-deployment --timeout=120s');

  await step('apply of an apps/v1beta1 Deployment without a selector creates it, with a warning', async () => {
    const output = await cluster.tryKubectl(`apply -f ${manifest('nginx-deployment')}`);
    assert.equal(output.stdout, 'deployment.apps/nginx-deployment created\n');
    assert.match(
      output.stderr,
      /Warning: apps\/v1beta1 Deployment is deprecated in v1\.\d+\+, unavailable in v1\.16\+; use apps\/v1 Deployment/,
    );
    const deployment = await cluster.json('get deployment nginx-deployment');
    assert.deepEqual(deployment.spec.selector, { matchLabels: { app: 'nginx' } });
  });

  await step('rollout status waits until all replicas are available', async () => {
    assert.match(await rolledOut(), /deployment "nginx-deployment" successfully rolled out\n$/);
  });

  await step('get shows the Deployment, its ReplicaSet and its pods', async () => {
    const [deployment] = table(await kubectl('get deployment'));
    assert.deepEqual(
      {
        NAME: deployment!['NAME'],
        READY: deployment!['READY'],
        current: deployment!['UP-TO-DATE'],
        AVAILABLE: deployment!['AVAILABLE'],
      },
      { NAME: 'nginx-deployment', READY: '3/3', current: '3', AVAILABLE: '3' },
    );
    const [rs] = table(await kubectl('get rs'));
    assert.match(rs!['NAME']!, /^nginx-deployment-[bcdf-hj-np-tv-z2456789]{5,10}$/);
    assert.deepEqual([rs!['DESIRED'], rs!['CURRENT'], rs!['READY']], ['3', '3', '3']);
    const pods = table(await kubectl('get pods -o wide'));
    assert.equal(pods.length, 3);
    for (const pod of pods) {
      assert.ok(pod['NAME']!.startsWith(`${rs!['NAME']}-`));
      assert.deepEqual([pod['READY'], pod['STATUS'], pod['RESTARTS']], ['1/1', 'Running', '0']);
      assert.match(pod['IP']!, /^10\.\d+\.\d+\.\d+$/);
    }
    const labels = table(await kubectl('get pods --show-labels'));
    assert.ok(labels.every((pod) => /app=nginx,pod-template-hash=/.test(pod['LABELS']!)));
  });

  await step('describe tells strategy, conditions and events', async () => {
    const text = await kubectl('describe deployment nginx-deployment');
    assert.match(text, /^Name: +nginx-deployment$/m);
    assert.match(text, /^Selector: +app=nginx$/m);
    assert.match(text, /^Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable$/m);
    assert.match(text, /^StrategyType: +RollingUpdate$/m);
    assert.match(text, /Available +True +MinimumReplicasAvailable/);
    assert.match(text, /Progressing +True +NewReplicaSetAvailable/);
    assert.match(
      text,
      /ScalingReplicaSet .*deployment-controller +Scaled up replica set nginx-deployment-\S+ from 0 to 3/,
    );
  });

  await step('get events names who did what', async () => {
    const reasons = new Set(table(await kubectl('get events')).map((event) => event['REASON']));
    for (const reason of ['ScalingReplicaSet', 'SuccessfulCreate', 'Scheduled'])
      assert.ok(reasons.has(reason), `${reason} in ${[...reasons]}`);
  });

  await step('explain and api-resources know the kinds', async () => {
    const text = await kubectl('explain deployment.spec.strategy');
    assert.match(text, /KIND: +Deployment/);
    assert.match(text, /rollingUpdate\s+<RollingUpdateDeployment>/);
    const resources = await kubectl('api-resources');
    assert.match(resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m);
    assert.match(resources, /^pods +po +v1 +true +Pod$/m);
  });

  await step('the same manifest in the other versions is the same Deployment', async () => {
    for (const version of ['extensions-v1beta1', 'apps-v1beta2', 'apps-v1']) {
      const output = await cluster.tryKubectl(`apply -f ${manifest(`nginx-deployment-${version}`)}`);
      assert.equal(output.code, 0, output.stderr);
      assert.match(output.stdout, /^deployment\.(apps|extensions)\/nginx-deployment (configured|unchanged)\n$/);
      const warns = /Warning: .* is deprecated .*; use apps\/v1 Deployment/.test(output.stderr);
      assert.equal(warns, version !== 'apps-v1', output.stderr);
    }
    await rolledOut();
  });

  await step('re-applying with five replicas scales up', async () => {
    const output = await cluster.tryKubectl(`apply -f ${manifest('nginx-deployment-5-replicas')}`);
    assert.equal(output.stdout, 'deployment.apps/nginx-deployment configured\n');
    await rolledOut();
    assert.equal(table(await kubectl('get pods')).length, 5);
  });

  await step('scale down to three, then from three to five, and a wrong current count is refused', async () => {
    assert.equal(
      await kubectl('scale deployment/nginx-deployment --replicas=3'),
      'deployment.apps/nginx-deployment scaled\n',
    );
    assert.equal(
      await kubectl('scale --current-replicas=3 --replicas=5 deployment/nginx-deployment'),
      'deployment.apps/nginx-deployment scaled\n',
    );
    await rolledOut();
    const refused = await cluster.tryKubectl('scale --current-replicas=3 --replicas=4 deployment/nginx-deployment');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Expected replicas to be 3, was 5/);
    assert.equal((await cluster.json('get deployment nginx-deployment')).spec.replicas, 5);
    await kubectl('scale deployment/nginx-deployment --replicas=2');
    await cluster.eventually('two pods are left', async () => table(await kubectl('get pods')).length === 2);
  });

  await step('set image rolls out a new ReplicaSet and keeps the old one', async () => {
    await kubectl('scale deployment/nginx-deployment --replicas=3');
    await rolledOut();
    const answer = await kubectl('set image deployment/nginx-deployment nginx=nginx:1.7.9-alpine');
    assert.equal(answer, 'deployment.apps/nginx-deployment image updated\n');
    await kubectl("annotate deployment/nginx-deployment kubernetes.io/change-cause='image 1.7.9-alpine'");
    await rolledOut();
    const sets = table(await kubectl('get rs')).map((rs) => rs['DESIRED']);
    assert.deepEqual(sets.sort(), ['0', '3']);
    const images = (await cluster.json('get pods')).items
      .filter((pod: any) => !pod.metadata.deletionTimestamp)
      .map((pod: any) => pod.spec.containers[0].image);
    assert.deepEqual(images, Array(3).fill('nginx:1.7.9-alpine'));
  });

  await step('rollout history lists revisions with their causes', async () => {
    const text = await kubectl('rollout history deployment/nginx-deployment');
    assert.match(text, /^1 +<none>$/m);
    assert.match(text, /^2 +image 1\.7\.9-alpine$/m);
    assert.match(
      await kubectl('rollout history deployment/nginx-deployment --revision=2'),
      /Image:\s+nginx:1\.7\.9-alpine/,
    );
    assert.equal(
      (await cluster.json('get deployment nginx-deployment')).metadata.annotations['deployment.kubernetes.io/revision'],
      '2',
    );
  });

  await step('rollout undo brings the former image back as a new revision', async () => {
    assert.equal(
      await kubectl('rollout undo deployment/nginx-deployment'),
      'deployment.apps/nginx-deployment rolled back\n',
    );
    await rolledOut();
    const deployment = await cluster.json('get deployment nginx-deployment');
    assert.equal(deployment.spec.template.spec.containers[0].image, 'nginx:1.7.9');
    assert.equal(deployment.metadata.annotations['deployment.kubernetes.io/revision'], '3');
    await kubectl('rollout undo deployment/nginx-deployment --to-revision=2');
    await rolledOut();
    assert.equal(
      (await cluster.json('get deployment nginx-deployment')).spec.template.spec.containers[0].image,
      'nginx:1.7.9-alpine',
    );
    const refused = await cluster.tryKubectl('rollout undo deployment/nginx-deployment --to-revision=77');
    assert.match(refused.stderr, /unable to find specified revision 77 in history/);
  });

  await step('a paused rollout waits until it is resumed', async () => {
    assert.equal(
      await kubectl('rollout pause deployment/nginx-deployment'),
      'deployment.apps/nginx-deployment paused\n',
    );
    await kubectl('set image deployment/nginx-deployment nginx=nginx:1.7.9');
    const paused = await cluster.eventually('the controller has seen the pause', async () => {
      const found = await cluster.json('get deployment nginx-deployment');
      return found.status.observedGeneration === found.metadata.generation && found;
    });
    assert.equal(paused.status.updatedReplicas ?? 0, 0);
    assert.equal(
      await kubectl('rollout resume deployment/nginx-deployment'),
      'deployment.apps/nginx-deployment resumed\n',
    );
    await rolledOut();
    assert.equal((await cluster.json('get deployment nginx-deployment')).status.updatedReplicas, 3);
  });

  await step('rollout restart replaces every pod', async () => {
    const names = () => kubectl('get pods -o name').then((text) => text.trim().split('\n'));
    const before = new Set(await names());
    assert.equal(
      await kubectl('rollout restart deployment/nginx-deployment'),
      'deployment.apps/nginx-deployment restarted\n',
    );
    await rolledOut();
    await cluster.eventually('the old pods are gone', async () => (await names()).every((name) => !before.has(name)));
  });

  await step('minReadySeconds delays availability', async () => {
    await kubectl(`apply -f ${manifest('nginx-deployment-min-ready')}`);
    assert.equal((await cluster.json('get deployment nginx-deployment')).spec.minReadySeconds, 5);
    await rolledOut();
    await kubectl(`patch deployment nginx-deployment -p '{"spec":{"minReadySeconds":0}}'`);
  });

  await step('label, annotate and patch in three ways change the object', async () => {
    assert.equal(
      await kubectl('label deployment/nginx-deployment tier=web'),
      'deployment.apps/nginx-deployment labeled\n',
    );
    const clash = await cluster.tryKubectl('label deployment/nginx-deployment tier=back');
    assert.match(clash.stderr, /'tier' already has a value \(web\), and --overwrite is false/);
    await kubectl('annotate deployment/nginx-deployment owner=docs');
    await kubectl(
      `patch deployment nginx-deployment --type=json -p '[{"op":"replace","path":"/metadata/labels/tier","value":"json"}]'`,
    );
    await kubectl(`patch deployment nginx-deployment --type=merge -p '{"metadata":{"annotations":{"owner":null}}}'`);
    const patched = await kubectl(
      `patch deployment nginx-deployment -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}}}'`,
    );
    assert.equal(patched, 'deployment.apps/nginx-deployment patched\n');
    const deployment = await cluster.json('get deployment nginx-deployment');
    assert.equal(deployment.metadata.labels.tier, 'json');
    assert.equal(deployment.metadata.annotations.owner, undefined);
    assert.equal(deployment.spec.template.spec.containers.length, 1);
    assert.equal(deployment.spec.template.spec.containers[0].image, 'nginx:1.7.9');
    assert.deepEqual(deployment.spec.template.spec.containers[0].env, [{ name: 'A', value: '1' }]);
    await rolledOut();
  });

  await step('diff shows what apply would change, and edit changes it', async () => {
    const changed = await cluster.tryKubectl(`diff -f ${manifest('nginx-deployment-5-replicas')}`);
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /- {2}replicas: 3/);
    assert.match(changed.stdout, /\+ {2}replicas: 5/);
    const edited = await cluster.kubectl('edit deployment/nginx-deployment', {
      env: { KUBE_EDITOR: 'sed -i s/tier:.json/tier:\\ edited/' },
    });
    assert.equal(edited, 'deployment.apps/nginx-deployment edited\n');
    assert.equal((await cluster.json('get deployment nginx-deployment')).metadata.labels.tier, 'edited');
  });

  await step('wait and expose', async () => {
    const waited = await kubectl('wait --for=condition=Available deployment/nginx-deployment --timeout=180s');
    assert.equal(waited, 'deployment.apps/nginx-deployment condition met\n');
    assert.equal(await kubectl('expose deployment nginx-deployment --port=80'), 'service/nginx-deployment exposed\n');
    const [service] = table(await kubectl('get service nginx-deployment'));
    assert.equal(service!['TYPE'], 'ClusterIP');
    assert.match(service!['CLUSTER-IP']!, /^10\./);
    assert.equal(service!['PORT(S)'], '80/TCP');
    const slices = await cluster.eventually('the endpoints are the three pods', async () => {
      const found = (await cluster.json('get endpointslices -l kubernetes.io/service-name=nginx-deployment')).items;
      return (
        found.flatMap((slice: any) => slice.endpoints ?? []).filter((each: any) => each.conditions.ready).length ===
          3 && found
      );
    });
    assert.equal(slices.length, 1);
    await kubectl('delete service nginx-deployment');
  });

  await step('a bad image leaves the old pods serving until rollout undo', async () => {
    await kubectl(`patch deployment nginx-deployment -p '{"spec":{"progressDeadlineSeconds":6,"minReadySeconds":0}}'`);
    await rolledOut();
    await kubectl(`set image deployment/nginx-deployment nginx=${badImage}`);
    const stuck = await cluster.tryKubectl('rollout status deployment/nginx-deployment --timeout=180s');
    assert.equal(stuck.code, 1);
    assert.match(stuck.stderr, /error: deployment "nginx-deployment" exceeded its progress deadline/);
    const deployment = await cluster.json('get deployment nginx-deployment');
    assert.ok(deployment.status.availableReplicas >= 2);
    const progressing = deployment.status.conditions.find((each: any) => each.type === 'Progressing');
    assert.equal(progressing.reason, 'ProgressDeadlineExceeded');
    await kubectl('rollout undo deployment/nginx-deployment');
    await rolledOut();
  });

  await step('delete: orphan keeps the pods, background takes them, foreground waits for them', async () => {
    const orphaned = await kubectl('delete deployment nginx-deployment --cascade=orphan');
    assert.match(orphaned, /^deployment.apps "nginx-deployment" deleted( from default namespace)?\n$/);
    const active = (await cluster.json('get rs')).items.filter((rs: any) => rs.spec.replicas > 0);
    assert.equal(active.length, 1);
    assert.equal(active[0].metadata.ownerReferences, undefined);
    await kubectl(`delete rs ${active[0].metadata.name} --cascade=background`);
    await cluster.eventually(
      'the pods went with their ReplicaSet',
      async () => (await cluster.json('get pods')).items.length === 0,
    );
    await kubectl('delete rs --all');
    await kubectl(`apply -f ${manifest('nginx-deployment-apps-v1')}`);
    await rolledOut();
    await kubectl('delete deployment nginx-deployment --cascade=foreground');
    assert.equal((await cluster.json('get rs')).items.length, 0);
  });
}
