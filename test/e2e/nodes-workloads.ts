// What runs in the cluster of nodes.test.ts.

/** A web server and a shell on every node, and ways to them. */
export const workloads = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: nginx:1.22
        ports: [{containerPort: 80, hostPort: 8099}]
        env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        lifecycle: {postStart: {exec: {command: [sh, -c, 'd=/usr/share/nginx/html; mkdir -p $d; echo $NODE > $d/node; head -c 3000000 /dev/zero > $d/large; cd /etc/nginx/conf.d; sed "s/listen .*/listen [::]:80;/" default.conf > six.conf; nginx -s reload']}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: box}
spec:
  selector: {matchLabels: {app: box}}
  template:
    metadata: {labels: {app: box}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: box, image: 'busybox:1.36', command: [sleep, 1d]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec: {ipFamilies: [IPv6], selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: each}
spec: {clusterIP: None, ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: local}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, externalTrafficPolicy: Local, selector: {only: here}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {ipFamilyPolicy: RequireDualStack, externalIPs: [203.0.113.7, '2001:db8:7::7'], selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: same-node}
spec: {trafficDistribution: PreferSameNode, selector: {zoned: 'yes'}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: same-zone}
spec: {trafficDistribution: PreferSameZone, selector: {zoned: 'yes'}, ports: [{port: 80}]}
`;

export const aList = (items: readonly object[]) => ({ apiVersion: 'v1', kind: 'List', items });
/** By which processes of the pods that prefer a node are told from others'. */
export const secondsOf = (node: string) => 50_000 + (process.pid % 10_000) * 2 + (node === 'far' ? 1 : 0);

/** A pod that would be on that node, and soon elsewhere when it is lost. */
export function moverTo(node: string): object {
  const app = `mover-to-${node}`;
  const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }];
  const template = {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 1,
      tolerations: ['not-ready', 'unreachable'].map((key) => ({
        key: `node.kubernetes.io/${key}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 1,
      })),
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions } }],
        },
      },
      containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', String(secondsOf(node))] }],
    },
  };
  const metadata = { name: app, labels: { app: 'mover' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { selector: { matchLabels: { app } }, template },
  };
}
