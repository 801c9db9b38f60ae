import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from './cel.ts';
import { admissionVariables, deviceType } from './kubernetes-types.ts';
import { type AuthorizationQuestion, authorizerValues } from './library/authorization.ts';
import { toJson } from './values.ts';

const admission = (source: string) =>
  compile(source, { variables: admissionVariables({ authorizer: true }), hasPatchTypes: true }).program!;

test('an authorizer that has to be waited for is asked each question once', async () => {
  const asked: AuthorizationQuestion[] = [];
  const bindings = authorizerValues(
    async (question) => {
      asked.push(question);
      return { isAllowed: question.verb === 'get', reason: 'because' };
    },
    { group: '', resource: 'pods', namespace: 'a', name: 'p' },
  );
  const program = admission(
    "authorizer.requestResource.check('get').allowed() && !authorizer.group('apps').resource('deployments').namespace('b').check('list').allowed()",
  );
  assert.deepEqual(await program.evaluateAsync(bindings), { value: true, cost: 700_008 });
  assert.deepEqual(asked, [
    { group: '', resource: 'pods', namespace: 'a', name: 'p', verb: 'get' },
    { group: 'apps', resource: 'deployments', namespace: 'b', verb: 'list' },
  ]);
  const fresh = authorizerValues(async () => ({ isAllowed: true }), {});
  assert.equal(program.evaluate(fresh).error?.kind, 'cancelled');
});

test('an operator alone lacks both of its sides', () => {
  const places = (source: string) =>
    compile(source, { variables: admissionVariables({}) }).issues!.map(({ message, column }) => {
      assert.match(message, /^Syntax error: mismatched input '\S+' expecting \{'\[', /);
      return `${column} ${message.split("'")[1]}`;
    });
  assert.deepEqual(places('*'), ['0 *', '1 <EOF>']);
  assert.deepEqual(places('1 + *'), ['4 *', '5 <EOF>']);
  assert.deepEqual(places('**'), ['0 *', '1 *', '2 <EOF>']);
  assert.deepEqual(places('in'), ['0 in', '2 <EOF>']);
  assert.deepEqual(places(')'), ['0 )']);
});

test('more than two questions cost more than an expression may', () => {
  const bindings = authorizerValues(() => ({ isAllowed: true }), {});
  const check = "authorizer.path('/x').check('get').allowed()";
  assert.equal(admission(`${check} && ${check} && ${check}`).evaluate(bindings).error?.kind, 'cost');
});

test('mutations are written as objects and as patches', () => {
  const object = admission('Object{spec: Object.spec{replicas: 1 + 2, ?paused: optional.none()}}');
  assert.equal(object.resultType.name, 'Object');
  assert.deepEqual(toJson(object.evaluate({}).value!), { spec: { replicas: 3 } });
  const patch = admission('[JSONPatch{op: "add", path: "/x/" + jsonpatch.escapeKey("a/~b"), value: {"k": [1]}}]');
  assert.deepEqual(toJson(patch.evaluate({}).value!), [{ op: 'add', path: '/x/a~1~0b', value: { k: [1] } }]);
  const wrong = compile('JSONPatch{op: 1, to: "x"}', { variables: {}, hasPatchTypes: true });
  assert.match(
    wrong.text!,
    /expected type of field 'op' is 'string' but provided type is 'int'[\s\S]*undefined field 'to'/,
  );
});

test('a device is asked by domain, under a name of its own', () => {
  const { program } = compile('cel.bind(d, device.attributes["x.example.com"], d.fast && device.driver == "x")', {
    variables: { device: deviceType },
    hasBind: true,
  });
  assert.ok(program!.estimateCost(deviceType).max < 1000);
  assert.match(compile('cel.bind(a, 1, a)', { variables: {} }).text!, /undeclared reference to 'cel'/);
});

test('a value that is never asked for is never made', () => {
  const { program } = compile('true || object.x', { variables: admissionVariables({}) });
  const object = () => assert.fail();
  assert.equal(program!.evaluate({ object }).value, true);
});
