// Conversions by a webhook, as a definition names it: many objects in one call, and what is known is not asked again.
import type { CustomResourceDefinition } from '../../../../generated/apiextensions-v1.ts';
import { apiVersionOf, type KubernetesObject } from '../../../api/meta/object.ts';
import { StatusError } from '../../../api/meta/status-error.ts';
import type { ConvertibleObject, ObjectConversion } from '../../../api/resource-info.ts';
import { uuid } from '../../../base/random.ts';
import { DecodeError } from '../../../schema/codec.ts';
import { applyDefaults } from '../../../schema/structural/custom-object.ts';
import { postToWebhook, WebhookCallError } from '../../outbound/webhook.ts';
import type { ServerParts } from '../../verbs/call.ts';
import type { VersionTypes } from '../resource.ts';
import type { ConversionFailure, ConversionMetrics } from './metrics.ts';
import { PendingConversion } from './pending.ts';
import { ConversionError, readReview, restored, reviewBody, reviewVersionOf } from './review.ts';

const timeoutSeconds = 30;
/** An answer may be larger than what was asked, within reason. */
const maxGrowth = 4;
const spareBytes = 4 << 20;
const maxKnown = 256;

export function webhookConversion(
  parts: ServerParts,
  definition: CustomResourceDefinition,
  types: VersionTypes,
  metrics: ConversionMetrics,
): ObjectConversion {
  const { group, versions, conversion } = definition.spec;
  const { clientConfig = {}, conversionReviewVersions } = conversion!.webhook!;
  const { kind } = definition.status!.acceptedNames!;
  const stored = versions.find(({ storage }) => storage) ?? versions[0]!;
  const known = new Map<string, KubernetesObject>();

  async function ask(objects: readonly ConvertibleObject[], apiVersion: string): Promise<readonly unknown[]> {
    const version = reviewVersionOf(conversionReviewVersions);
    if (!version) throw new ConversionError('no supported conversion review versions');
    const uid = uuid(parts.random);
    const body = reviewBody(version, uid, apiVersion, objects);
    const maxBytes = maxGrowth * body.length + spareBytes;
    const asked = { body, timeoutSeconds, maxBytes, signal: undefined };
    const answer = await postToWebhook(parts.outbound, clientConfig, asked, {
      objects: parts.registry,
      random: parts.random,
    });
    return readReview(answer, version, uid);
  }

  async function convert(objects: readonly ConvertibleObject[], apiVersion: string): Promise<KubernetesObject[]> {
    if (objects.length === 0) return [];
    const startMs = parts.clock.monotonicMs();
    const observe = (failure?: ConversionFailure) =>
      metrics.observe((parts.clock.monotonicMs() - startMs) / 1000, failure);
    const who = `conversion webhook for ${objects[0]!.apiVersion}, Kind=${kind}`;
    let answers: readonly unknown[];
    try {
      answers = await ask(objects, apiVersion);
    } catch (error) {
      if (!(error instanceof ConversionError) && !(error instanceof WebhookCallError)) throw error;
      observe(
        error instanceof WebhookCallError
          ? 'conversion_webhook_call_failure'
          : 'conversion_webhook_malformed_response_failure',
      );
      throw failure(`${who} failed: ${error.message}`, error);
    }
    if (answers.length !== objects.length) {
      observe('conversion_webhook_partial_response_failure');
      throw failure(`${who} returned ${answers.length} objects, expected ${objects.length}`);
    }
    const { type } = types.get(apiVersion)!;
    const result = answers.map((answer, index) => {
      try {
        const checked = { original: objects[index]!, kind, apiVersion };
        const object = restored(answer, checked, objects.length === 1 ? undefined : index);
        return type.canonical(object) as unknown as KubernetesObject;
      } catch (error) {
        if (!(error instanceof ConversionError) && !(error instanceof DecodeError)) throw error;
        observe('conversion_webhook_invalid_converted_object_failure');
        throw failure(`${who} ${error.message}`, error);
      }
    });
    observe();
    return result;
  }

  return {
    storedAs: apiVersionOf({ group, version: stored.name }),
    convert,
    defaulted(json) {
      const head = Buffer.from(json.buffer, json.byteOffset, Math.min(json.byteLength, 400)).toString('latin1');
      const version = types.get(/^\{"apiVersion":"([^"\\]*)"/.exec(head)?.[1] ?? '');
      if (!version?.node.hasDefaults) return undefined;
      const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString();
      const object = JSON.parse(text) as KubernetesObject;
      applyDefaults(object, version.node);
      return JSON.stringify(object) === text ? undefined : object;
    },
    now(object, apiVersion) {
      const json = JSON.stringify(object);
      const key = `${apiVersion} ${json}`;
      const found = known.get(key);
      if (found) return structuredClone(found);
      const metadata = () => structuredClone(object.metadata);
      const asked = { apiVersion: object.apiVersion!, json: Buffer.from(json), metadata };
      throw new PendingConversion(
        convert([asked], apiVersion).then(([converted]) => {
          known.set(key, converted!);
          if (known.size > maxKnown) known.delete(known.keys().next().value!);
        }),
      );
    },
  };
}

/** Upstream gives these without a reason. */
function failure(message: string, cause?: unknown): StatusError {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 };
  return new StatusError(status, { cause });
}
