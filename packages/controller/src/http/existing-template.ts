import type { Template } from "@samepage/catalog";
import { ControllerError } from "../api/controller-error.ts";
import type { TemplateStore } from "../catalog/template-store.ts";

/** The template of that name. @throws ControllerError `not-found` */
export async function existingTemplate(store: TemplateStore, name: string): Promise<Template> {
  const template = await store.get(name);
  if (template === undefined) throw new ControllerError("not-found", `there is no template ${name}`, { hint: "samepage template ls", target: name });
  return template;
}
