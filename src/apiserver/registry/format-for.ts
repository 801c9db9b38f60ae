// From what a client accepts to the form its objects take.
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Accepted } from '../http/accept.ts';
import type { FormatOptions, ObjectFormat } from './format.ts';
import { jsonFormat } from './format-json.ts';
import { partialFormat } from './format-partial.ts';
import { protobufFormat } from './format-protobuf.ts';
import { tableFormat } from './format-table.ts';
import { yamlFormat } from './format-yaml.ts';

const plain = new WeakMap<ResourceInfo, ObjectFormat>();

export function formatFor(resource: ResourceInfo, accepted: Accepted, options: FormatOptions): ObjectFormat {
  if (accepted.transform === 'table') return asYaml(accepted, tableFormat(resource, accepted.metaVersion, options));
  if (accepted.transform !== 'none')
    return asYaml(accepted, partialFormat(resource, accepted.metaVersion, accepted.media));
  if (accepted.media === 'protobuf') return protobufFormat(resource);
  let json = plain.get(resource);
  if (!json) {
    json = jsonFormat(resource);
    plain.set(resource, json);
  }
  return asYaml(accepted, json);
}

function asYaml(accepted: Accepted, format: ObjectFormat): ObjectFormat {
  return accepted.media === 'yaml' ? yamlFormat(format) : format;
}
