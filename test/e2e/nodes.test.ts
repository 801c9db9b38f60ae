// Three real nodes on this machine, then a fourth, then a machine from elsewhere: traffic between them in both families,
// nodes that are lost and come back, and machines that join with a token.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeLinkName } from '../../src/network/overlay/names.ts';
import { kubectlProgram, type Output, root, run, TestCluster, whyNoContainers } from './cluster.ts';
import { aList, moverTo, secondsOf, workloads } from './nodes-workloads.ts';

const program = join(root, 'bin/coracle');

describe('a cluster of several real nodes', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;
  let machine: string;
  const nodes = async (): Promise<any[]> => (await cluster.json('get nodes')).items;
  const addressesOf = (node: any): string[] =>
    node.status.addresses.filter((each: any) => each.type === 'InternalIP').map((each: any) => each.address);
  const addressOf = (node: any): string => addressesOf(node)[0]!;
  /** As URLs have it. */
  const host = (address: string) => (address.includes(':') ? `[${address}]` : address);
  const podAddresses = (pod: any): string[] => pod.status.podIPs.map(({ ip }: any) => ip);
  const isReady = (node: any) => node.status.conditions.find((each: any) => each.type === 'Ready').status === 'True';
  const podOn = async (node: string, app: string) => {
    const { items } = await cluster.json(`get pods -l app=${app} --field-selector spec.nodeName=${node}`);
    return items.find((pod: any) => !pod.metadata.deletionTimestamp);
  };
  const isPodReady = (pod: any) =>
    pod?.status.conditions?.some((each: any) => each.type === 'Ready' && each.status === 'True');
  const untilPodsRun = (node: string) =>
    cluster.eventually(`pods run on ${node}`, async () => {
      const pods = await Promise.all([podOn(node, 'web'), podOn(node, 'box')]);
      return pods.every(isPodReady) && pods;
    });
  /** What a pod gets for each of these addresses, asked one after the other. */
  const fetchFrom = async (pod: string, urls: readonly string[]): Promise<string[]> => {
    const script = urls.map((url) => `wget -q -O- http://${url} || echo failed`).join('; ');
    const { stdout } = await run(kubectlProgram(), ['exec', pod, '--', 'sh', '-c', script], {
      env: { KUBECONFIG: cluster.kubeconfig },
    });
    return stdout.trim().split('\n');
  };
  /** The addresses that its load balancer has been given, one of each family. */
  const balancerOf = (service: string): Promise<string[]> =>
    cluster.eventually(`${service} has an address of each family`, async () => {
      const { ingress = [] } = (await cluster.json(`get service ${service}`)).status.loadBalancer;
      return ingress.length === 2 && ingress.map(({ ip }: any) => ip);
    });
  /** Has the Service `local` lead to the web server of this node, and nowhere else. */
  const keepTo = async (node: string) => {
    await cluster.kubectl('label pods -l only=here only-');
    const { metadata } = await podOn(node, 'web');
    await cluster.kubectl(`label pod ${metadata.name} only=here`);
    return metadata.name as string;
  };
  /** The nodes that say to have an endpoint of it. */
  const saidToServe = async (): Promise<string[]> => {
    const { healthCheckNodePort } = (await cluster.json('get service local')).spec;
    const asked = (await nodes()).map(async (node) => {
      const { stdout } = await run('curl', ['-sm', '5', `http://${addressOf(node)}:${healthCheckNodePort}/`]);
      return JSON.parse(stdout).localEndpoints > 0 ? [node.metadata.name] : [];
    });
    return (await Promise.all(asked)).flat();
  };
  const fetchHere = async (url: string): Promise<Output> => run('curl', ['-sSm', '5', `http://${url}`]);

  before(async () => {
    // Ranges that are nobody's: neither those of other clusters nor of another run of this test.
    const own = 130 + (process.pid % 25) * 2;
    const ranges = [`10.${own}.0.0/16,fd00:10:${own}::/56`, `10.${own + 1}.0.0/16,fd00:10:${own + 1}::/108`];
    const flags = ['--pod-cidr', ranges[0]!, '--service-cidr', ranges[1]!];
    cluster = await TestCluster.create({ flags: ['--nodes', '3', '--node-monitor-grace-period', '14s', ...flags] });
    await cluster.loadImages('pause', 'busybox', 'nginx');
    await cluster.kubectl(`apply -f ${await cluster.file('workloads.yaml', workloads)}`);
    machine = (await nodes()).find((node: any) => !node.metadata.labels['coracle.dev/machine']).metadata.name;
    for (const node of [machine, `${machine}-2`, `${machine}-3`]) await untilPodsRun(node);
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test('each node has an address, a port for its agent and a range for its pods', async () => {
    const all = await nodes();
    assert.equal(all.filter(isReady).length, 3);
    assert.equal(new Set(all.flatMap(addressesOf)).size, 6);
    assert.equal(new Set(all.flatMap((node) => node.spec.podCIDRs)).size, 6);
    const { components } = JSON.parse((await cluster.coracle(['status', '-o', 'json'])).stdout);
    assert.equal(components.filter((each: any) => /^(node|containerd)\b/.test(each.name)).length, 6);
  });

  test('pods of each node reach pods, Services and ports of all', async () => {
    const all = await nodes();
    const ports = (await cluster.json('get service web')).spec.ports;
    const pods = (await cluster.json('get pods -l app=web')).items;
    const { clusterIPs } = (await cluster.json('get service web')).spec;
    const expected = pods.flatMap((pod: any) => podAddresses(pod).map((ip) => [`${host(ip)}/node`, pod.spec.nodeName]));
    assert.deepEqual([expected.length, clusterIPs.length], [6, 2]);
    const anywhere = [
      'web/node',
      'six/node',
      'web.default.svc.cluster.local/node',
      ...[...clusterIPs, '203.0.113.7', '2001:db8:7::7'].map((ip: string) => `${host(ip)}/node`),
      ...all.flatMap(addressesOf).flatMap((ip) => [`${host(ip)}:${ports[0].nodePort}/node`, `${host(ip)}:8099/node`]),
    ];
    for (const node of all) {
      const { metadata } = await podOn(node.metadata.name, 'box');
      const urls = [...expected.map(([url]: string[]) => url), ...anywhere];
      const answers = await fetchFrom(metadata.name, urls);
      assert.deepEqual(
        answers.slice(0, 6),
        expected.map(([, name]: string[]) => name),
        `from ${node.metadata.name}`,
      );
      assert.equal(answers.length, urls.length);
      assert.equal(answers.includes('failed'), false, `from ${node.metadata.name}: ${answers}`);
    }
  });

  test('the machine reaches ports of every node, and the one a host port is on', async () => {
    const { nodePort } = (await cluster.json('get service web')).spec.ports[0];
    for (const node of await nodes())
      for (const ip of addressesOf(node)) {
        assert.equal((await fetchHere(`${host(ip)}:${nodePort}/node`)).code, 0, ip);
        assert.equal((await fetchHere(`${host(ip)}:8099/node`)).stdout.trim(), node.metadata.name, ip);
      }
  });

  test('names have addresses of both families, of a Service and of each pod behind a headless one', async () => {
    const { metadata } = await podOn(`${machine}-2`, 'box');
    const script = ['web', 'each']
      .flatMap((name) => ['a', 'aaaa'].map((type) => `nslookup -type=${type} ${name}.default.svc.cluster.local`))
      .join('; echo next; ');
    const answers = (await cluster.kubectl(`exec ${metadata.name} -- sh -c '${script}'`))
      .split('next\n')
      .map((text) => [...text.matchAll(/^Address: (\S+)$/gm)].map(([, address]) => address!).sort());
    const [four, six] = (await cluster.json('get service web')).spec.clusterIPs;
    const pods = (await cluster.json('get pods -l app=web')).items.map(podAddresses);
    const ofEach = (index: number) => pods.map((ips: string[]) => ips[index]).sort();
    assert.deepEqual(answers, [[four], [six], ofEach(0), ofEach(1)]);
  });

  test('the machine reaches a load balancer by an address of each family', async () => {
    for (const ip of await balancerOf('web'))
      await cluster.eventually(`${ip} answers`, async () => (await fetchHere(`${host(ip)}/node`)).code === 0);
  });

  test('a policy lets one pod of another node in by IPv6, and nobody else', async () => {
    const [one, other] = await Promise.all([podOn(`${machine}-2`, 'box'), podOn(`${machine}-3`, 'box')]);
    const pod = await podOn(machine, 'web');
    const [four, six] = podAddresses(pod).map((ip) => `${host(ip)}/node`) as [string, string];
    const from = [{ ipBlock: { cidr: `${podAddresses(one)[1]}/128` } }];
    const spec = { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from }] };
    const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'one' }, spec };
    const reaches = async (who: any, url: string) => {
      const wget = `timeout 2 wget -q -O- http://${url} || echo refused`;
      return (await cluster.kubectl(`exec ${who.metadata.name} -- sh -c '${wget}'`)).trim() === machine;
    };
    await cluster.kubectl(`apply -f ${await cluster.file('policy.json', JSON.stringify(policy))}`);
    await cluster.eventually('others are kept out', async () => !(await reaches(other, six)));
    await cluster.eventually('it is let in', () => reaches(one, six));
    assert.equal(await reaches(one, four), false);
    await cluster.kubectl('delete networkpolicy one');
    await cluster.eventually('all are let in again', async () => (await reaches(other, six)) && reaches(one, four));
  });

  test('with externalTrafficPolicy Local only the pod’s own node answers, and sees who asks', async () => {
    const on = `${machine}-2`;
    const pod = await keepTo(on);
    const { nodePort } = (await cluster.json('get service local')).spec.ports[0];
    const answers = await cluster.eventually('its node answers', async () => {
      const tries = (await nodes()).map(async (node) => {
        const { code } = await run('curl', ['-sm', '1', `http://${addressOf(node)}:${nodePort}/`]);
        return code === 0 ? [node.metadata.name] : [];
      });
      const names = (await Promise.all(tries)).flat();
      return names.includes(on) && names;
    });
    assert.equal(answers.includes(`${machine}-3`), false);
    const range = addressOf((await nodes()).find((node) => node.metadata.name === on)).replace(/\d+$/, '1');
    assert.match(await cluster.kubectl(`logs ${pod}`), new RegExp(`^${range.replaceAll('.', '\\.')} .*GET`, 'm'));
    await cluster.eventually('it alone says so', async () => (await saidToServe()).join() === on);
  });

  test('a Service is asked of the same node, or zone, as long as there are endpoints', async () => {
    const all = [machine, `${machine}-2`, `${machine}-3`] as const;
    const label = 'topology.kubernetes.io/zone';
    await cluster.kubectl(`label nodes ${all[0]} ${all[1]} ${label}=a`);
    await cluster.kubectl(`label node ${all[2]} ${label}=b`);
    await cluster.kubectl('label pods -l app=web zoned=yes');
    const boxes = await Promise.all(all.map(async (name) => (await podOn(name, 'box')).metadata.name as string));
    const urls = ['same-node', 'same-zone'].flatMap((service) => new Array<string>(6).fill(`${service}/node`));
    /** For each node, who answered its pod at the one Service and at the other, in six tries each. */
    const expect = (what: string, isRight: (answers: [string, string][]) => boolean) =>
      cluster.eventually(what, async () => {
        const answers = await Promise.all(boxes.map((box) => fetchFrom(box, urls)));
        const unlike = (list: string[]) => [...new Set(list)].join();
        return isRight(answers.map((list) => [unlike(list.slice(0, 6)), unlike(list.slice(6))]));
      });
    await expect('each is led to its own node, and zone', (answers) => {
      const [[one, nearOne], [two, nearTwo], [three, nearThree]] = answers as any;
      return (
        `${one} ${two} ${three} ${nearThree}` === `${all.join(' ')} ${all[2]}` && !`${nearOne}${nearTwo}`.includes('-3')
      );
    });
    const { metadata } = await podOn(all[2], 'web');
    await cluster.kubectl(`label pod ${metadata.name} zoned-`);
    await expect('who has none is led to others', (answers) => !/-3|failed/.test(String(answers[2])));
    await cluster.kubectl(`label nodes --all ${label}-`);
  });

  test('large answers, large datagrams, and commands to pods of other nodes get through', async () => {
    const [web, box] = [await podOn(`${machine}-3`, 'web'), await podOn(`${machine}-2`, 'box')];
    const count = await cluster.kubectl(
      `exec ${box.metadata.name} -- sh -c 'wget -q -O- http://${web.status.podIP}/large | wc -c'`,
    );
    assert.equal(Number(count), 3_000_000);
    await cluster.kubectl(`exec ${box.metadata.name} -- ping -c 1 -W 5 -s 8000 ${web.status.podIP}`);
    assert.match(await cluster.kubectl(`logs ${web.metadata.name}`), /"GET \/large HTTP\/1.1" 200 3000000/);
    const forward = cluster.background(`port-forward ${web.metadata.name} 0:80`);
    const [port] = await new Promise<string[]>((resolve) => {
      forward.stdout!.on('data', (chunk: Buffer) => {
        const match = /127\.0\.0\.1:(\d+)/.exec(chunk.toString());
        if (match) resolve([match[1]!]);
      });
    });
    assert.equal((await fetchHere(`127.0.0.1:${port}/node`)).stdout.trim(), `${machine}-3`);
    forward.kill('SIGKILL');
  });

  test('a node comes and goes while the cluster runs', async () => {
    const added = await cluster.coracle(['node', 'add', 'guest']);
    assert.match(added.stdout, /node "guest" is Ready at/, added.stderr);
    const [web] = (await untilPodsRun('guest')) as any[];
    const { metadata } = await podOn(`${machine}-2`, 'box');
    await cluster.eventually('its pods are reached', async () => {
      const [answer] = await fetchFrom(metadata.name, [`${web.status.podIP}/node`]);
      return answer === 'guest';
    });
    assert.match((await cluster.coracle(['node', 'add', 'guest'])).stderr, /E_NODE_EXISTS/);
    assert.equal((await cluster.coracle(['node', 'delete', 'guest'])).code, 0);
    assert.equal((await cluster.tryKubectl('get node guest')).code, 1);
    assert.equal((await cluster.json('get pods --field-selector spec.nodeName=guest')).items.length, 0);
    assert.doesNotMatch((await cluster.coracle(['node', 'list'])).stdout, /guest/);
    assert.match((await cluster.coracle(['node', 'delete', machine])).stderr, /E_FIRST_NODE/);
  });

  describe('and a machine behind a router', () => {
    const space = `coracle-far-${process.pid % 10_000}`;
    const [device, near, far] = ['corfar0', '198.51.100.1', '198.51.100.2'];
    const [near6, far6] = ['2001:db8:51::1', '2001:db8:51::2'];
    const there = (args: readonly string[]) =>
      run('nsenter', [
        `--net=/run/netns/${space}`,
        program,
        ...args,
        '--name',
        `${cluster.name}-far`,
        '--data-dir',
        join(cluster.folder, 'far'),
      ]);
    const command = async () => {
      const { stdout } = await cluster.coracle(['token', 'create', '--print-join-command']);
      return stdout.trim().split(' ').slice(1);
    };

    before(async () => {
      for (const line of [
        `netns add ${space}`,
        `link add ${device} type veth peer name eth0 netns ${space}`,
        `address add ${near}/24 dev ${device}`,
        `link set ${device} up`,
        `-n ${space} address add ${far}/24 dev eth0`,
        `-n ${space} link set eth0 up`,
        `-n ${space} link set lo up`,
        `-n ${space} route add default via ${near}`,
        `address add ${near6}/64 dev ${device} nodad`,
        `-n ${space} address add ${far6}/64 dev eth0 nodad`,
        `-n ${space} -6 route add default via ${near6}`,
      ]) {
        const { code, stderr } = await run('ip', line.split(' '));
        assert.equal(code, 0, stderr);
      }
    });
    after(async () => {
      await there(['reset', '--yes']);
      await run('ip', ['netns', 'delete', space]);
      await run('ip', ['link', 'delete', device]);
    });

    test('is reached by pods of every node, by IPv6 as well', async () => {
      for (const node of [machine, `${machine}-2`]) {
        const { metadata } = await podOn(node, 'box');
        for (const address of [far, far6]) await cluster.kubectl(`exec ${metadata.name} -- ping -c 1 -W 5 ${address}`);
      }
    });

    test('reaches a load balancer whose only endpoint is on a further node, and is seen as who it is', async () => {
      const pod = await keepTo(`${machine}-2`);
      for (const ip of await balancerOf('local'))
        await cluster.eventually(`${ip} answers`, async () => {
          const { stdout } = await run('nsenter', [
            `--net=/run/netns/${space}`,
            'curl',
            '-sgm',
            '2',
            `http://${host(ip)}/node`,
          ]);
          return stdout.trim() === `${machine}-2`;
        });
      const log = await cluster.kubectl(`logs ${pod}`);
      for (const address of [far, far6]) assert.ok(log.includes(`\n${address} `), `${address} is not in ${log}`);
      await cluster.eventually('its node alone says so', async () => (await saidToServe()).join() === `${machine}-2`);
    });

    test('does not believe a cluster whose authority is another, nor one that does not know the token', async () => {
      const [, server, , token] = await command();
      const pin = ['--discovery-token-ca-cert-hash', `sha256:${'0'.repeat(64)}`];
      assert.match((await there(['join', server!, '--token', token!, ...pin])).stderr, /E_CA_PIN/);
      const forged = `${token!.slice(0, 7)}${'a'.repeat(16)}`;
      assert.match((await there(['join', server!, '--token', forged, ...pin])).stderr, /E_TOKEN/);
    });

    test('joins with nothing but an address and a token, and its pods meet the others', async () => {
      const joined = await there([...(await command()), '--node-name', 'far', '--detach']);
      assert.equal(joined.code, 0, joined.stdout + joined.stderr);
      for (const image of ['pause', 'busybox', 'nginx']) {
        assert.equal((await there(['image', 'import', join(root, `build/images/${image}.tar`)])).code, 0);
      }
      const [web, box] = (await untilPodsRun('far')) as any[];
      const names = [machine, `${machine}-2`];
      const pods = await Promise.all(names.map((name) => podOn(name, 'web')));
      const urlsOf = (pod: any) => podAddresses(pod).map((ip) => `${host(ip)}/node`);
      const urls = [...pods.flatMap(urlsOf), 'web/node', 'six/node'];
      const answers = await fetchFrom(box.metadata.name, urls);
      assert.deepEqual(
        answers.slice(0, 4),
        names.flatMap((name) => [name, name]),
      );
      assert.equal(answers.includes('failed'), false, answers.join());
      for (const name of names) {
        const { metadata } = await podOn(name, 'box');
        assert.deepEqual(await fetchFrom(metadata.name, urlsOf(web)), ['far', 'far']);
      }
      const count = await cluster.kubectl(
        `exec ${box.metadata.name} -- sh -c 'wget -q -O- http://${pods[1].status.podIP}/large | wc -c'`,
      );
      assert.equal(Number(count), 3_000_000);
      await cluster.kubectl(`exec ${box.metadata.name} -- ping -c 1 -W 5 -s 8000 ${pods[1].status.podIP}`);
      // Wrapped once more, a packet must still fit.
      assert.match(await cluster.kubectl(`exec ${box.metadata.name} -- cat /sys/class/net/eth0/mtu`), /^1450$/m);
    });

    test('alone answers for a load balancer whose only endpoint it has', async () => {
      await keepTo('far');
      const [four] = (await balancerOf('local')) as [string];
      const isBoundIn = async (...place: string[]) =>
        (await run(place[0]!, [...place.slice(1), 'ip', '-4', '-o', 'address'])).stdout.includes(` ${four}/32 `);
      await cluster.eventually('it is there and nowhere else', async () => {
        const bound = [isBoundIn('nsenter', `--net=/run/netns/${space}`), isBoundIn('env')];
        return (await Promise.all(bound)).join() === 'true,false';
      });
      await cluster.eventually('it says so', async () => (await saidToServe()).join() === 'far');
      await cluster.eventually('it answers', async () => (await fetchHere(`${four}/node`)).stdout.trim() === 'far');
    });

    test('and a node here are cut off: Services go on without them, and so do their pods, until they are back', async () => {
      const lost = [`${machine}-3`, 'far'];
      const movers = lost.map((node) => moverTo(node));
      await cluster.kubectl(`apply -f ${await cluster.file('movers.json', JSON.stringify(aList(movers)))}`);
      const hasMover = async (node: string) => isPodReady(await podOn(node, `mover-to-${node}`));
      for (const node of lost) await cluster.eventually(`one runs on ${node}`, () => hasMover(node));
      const { metadata, status } = await podOn('far', 'web');
      const box = (await podOn(`${machine}-2`, 'box')).metadata.name;
      const link = nodeLinkName(cluster.name, lost[0]!);
      const wall = `table inet cut {
        chain in { type filter hook prerouting priority -500; iifname eth0 drop; }
        chain out { type filter hook postrouting priority 500; oifname eth0 drop; }
      }`;
      const inFar = (...args: string[]) => run('nsenter', [`--net=/run/netns/${space}`, ...args]);
      assert.equal((await inFar('nft', wall)).code, 0);
      await run('ip', ['link', 'set', link, 'down']);
      try {
        for (const node of lost) {
          const found = await cluster.eventually(`${node} is lost`, async () => {
            const found = await cluster.json(`get node ${node}`);
            const keys = (found.spec.taints ?? []).map(({ key, effect }: any) => `${key}:${effect}`);
            return keys.includes('node.kubernetes.io/unreachable:NoExecute') && found;
          });
          const ready = found.status.conditions.find((each: any) => each.type === 'Ready');
          assert.deepEqual([ready.status, ready.reason], ['Unknown', 'NodeStatusUnknown']);
        }
        await cluster.eventually('their endpoints are not asked', async () => {
          const answers = await fetchFrom(box, new Array<string>(12).fill('web/node'));
          return ![...lost, 'failed'].some((name) => answers.includes(name));
        });
        for (const node of lost)
          await cluster.eventually(`another runs instead of the one on ${node}`, async () => {
            const { items } = await cluster.json(`get pods -l app=mover-to-${node}`);
            return items.some((pod: any) => !lost.includes(pod.spec.nodeName) && isPodReady(pod));
          });
        assert.equal((await inFar('curl', '-sm', '5', `http://${status.podIP}/node`)).stdout.trim(), 'far');
      } finally {
        await run('ip', ['link', 'set', link, 'up']);
        await inFar('nft', 'delete table inet cut');
      }
      for (const node of lost) {
        await cluster.eventually(
          `${node} is back`,
          async () => isReady(await cluster.json(`get node ${node}`)),
          120_000,
        );
        await cluster.eventually(`the pod it had is gone from ${node}`, async () => {
          const { items } = await cluster.json(`get pods -l app=mover-to-${node}`);
          const running = await run('pgrep', ['-fc', `^sleep ${secondsOf(node)}$`]);
          return items.length === 1 && running.stdout.trim() === '1';
        });
        await untilPodsRun(node);
      }
      assert.equal((await podOn('far', 'web')).metadata.name, metadata.name, 'what tolerates it stays');
      await cluster.eventually('all are asked again', async () => {
        const answers = await fetchFrom(box, new Array<string>(30).fill('web/node'));
        return lost.every((name) => answers.includes(name)) && !answers.includes('failed');
      });
      await cluster.kubectl('delete deployment -l app=mover --wait=false');
    });

    test('leaves, and comes again under its name', async () => {
      assert.equal((await there(['reset', '--yes'])).code, 0);
      assert.equal((await cluster.coracle(['node', 'delete', 'far'])).code, 0);
      const joined = await there([...(await command()), '--node-name', 'far', '--detach']);
      assert.equal(joined.code, 0, joined.stdout + joined.stderr);
      assert.equal(isReady(await cluster.json('get node far')), true);
      const { stdout } = await cluster.coracle(['token', 'list', '-o', 'json']);
      for (const { token } of JSON.parse(stdout)) {
        assert.equal((await cluster.coracle(['token', 'delete', token])).code, 0);
      }
      const info = await cluster.eventually('nothing is signed any more', async () => {
        const { data } = await cluster.json('get configmap -n kube-public cluster-info');
        return !Object.keys(data).some((key) => key.startsWith('jws-')) && data;
      });
      assert.match(info.kubeconfig, /certificate-authority-data/);
    });
  });
});
