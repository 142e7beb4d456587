/** The form that says what a reading is for, and the sentence that says what the rules make of it. */

import { policy } from "./api.js";
import { el, fill } from "./dom.js";
import { codeText, hasText, listed, t } from "./texts.js";

const DOMAINS = [
  "general", "assistant", "healthcare", "safety", "research", "entertainment", "workplace", "education", "recruitment",
  "law_enforcement", "migration", "insurance", "credit", "deception_detection", "identification",
];
const JURISDICTIONS = ["unknown", "eu", "other"];
const GROUNDS = ["none", "medical", "safety"];
/** Areas in which a medical or safety reason changes what is allowed. */
const WITH_GROUNDS = ["workplace", "education"];
/** What is told of the use that is offered first. */
const OWN_PURPOSE = "own pictures, private";
/** Milliseconds without a key before the rules are asked. */
const PAUSE_MS = 400;

/** What is said about the use of the readings of this tab, and what the rules answer. */
export class UseForm {
  #fields = { domain: "own", jurisdiction: "unknown", basis: "none", consent: "", minors: "", purpose: "" };
  #answer = null;
  #refusal = null;
  #asked = 0;
  #timer = 0;
  #listeners = [];
  #operator = {};

  /** @param {HTMLElement} section Where the form goes. */
  constructor(section) {
    this.section = section;
    this.verdict = el("div", { id: "policy", class: "verdict", role: "status" });
  }

  /** Return the fields of the use as the server takes them; what is left open is left out. */
  use() {
    const { domain, jurisdiction, basis, consent, minors, purpose } = this.#fields;
    const told = { purpose: purpose.trim() || (domain === "own" ? OWN_PURPOSE : "") };
    if (domain !== "own") told.domain = domain;
    if (jurisdiction !== "unknown") told.jurisdiction = jurisdiction;
    if (basis !== "none" && WITH_GROUNDS.includes(domain)) told.basis = basis;
    if (consent) told.consent = consent === "yes";
    if (minors) told.minors = minors === "yes";
    return told;
  }

  /** Return the last answer of the rules: null while none is there, and where they refuse. */
  policy() {
    return this.#answer;
  }

  /** Return whether something may be read. */
  get allows() {
    return this.#answer !== null && this.#answer.decision !== "refused";
  }

  /** Return whether the rules refuse. */
  get refuses() {
    return this.#refusal?.code === "policy_refused";
  }

  /** @param {() => void} listener Called when what the rules say has changed. */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** @param {object} told What the operator of the server says about every use. */
  set operator(told) {
    this.#operator = told ?? {};
  }

  /** Draw the form anew, in the language in use. */
  draw() {
    const form = el("form", { id: "use-form", class: "fields", onsubmit: (event) => event.preventDefault() },
      this.#choice("domain", ["own", ...DOMAINS], (one) => (one === "own" ? t("use.own") : t(`domain.${one}`))),
      this.#choice("jurisdiction", JURISDICTIONS, (one) => t(`jurisdiction.${one}`)),
      this.#choice("basis", GROUNDS, (one) => t(`basis.${one}`)),
      this.#choice("consent", ["", "yes", "no"], yesOrNo),
      this.#choice("minors", ["", "yes", "no"], yesOrNo),
      this.#purpose());
    fill(this.section, el("h2", { id: "use-title" }, t("use.title")), el("p", { class: "soft" }, t("use.lead")),
      form, this.#operatorNote(), this.verdict);
    this.#showGrounds();
    this.#drawVerdict();
  }

  #choice(name, values, words) {
    const options = values.map((one) => el("option", { value: one, selected: this.#fields[name] === one }, words(one)));
    const select = el("select", { id: `use-${name}`, name, onchange: () => this.#set(name, select.value) }, options);
    return el("label", { class: "field", for: `use-${name}`, id: `field-${name}` },
      el("span", {}, t(`use.${name}`)), select);
  }

  #purpose() {
    const input = el("input", {
      id: "use-purpose", name: "purpose", type: "text", maxlength: 300, autocomplete: "off",
      value: this.#fields.purpose, oninput: () => this.#set("purpose", input.value, PAUSE_MS),
    });
    return el("label", { class: "field wide", for: "use-purpose" }, el("span", {}, t("use.purpose")), input);
  }

  #operatorNote() {
    const told = Object.entries(this.#operator);
    if (!told.length) return null;
    const named = told.map(([name, value]) => `${t(`use.${name}`)}: ${fieldWords(name, value)}`);
    return el("p", { class: "soft", id: "operator" }, t("use.operator", { fields: listed(named) }));
  }

  #set(name, value, pause = 0) {
    this.#fields[name] = value;
    this.#showGrounds();
    // From now on the last answer is about another use.
    this.#forget();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), pause);
  }

  #showGrounds() {
    const field = this.section.querySelector("#field-basis");
    if (field) field.hidden = !WITH_GROUNDS.includes(this.#fields.domain);
  }

  /** Ask the rules; until they have answered, nothing may be read. */
  async ask() {
    const number = this.#forget();
    try {
      const answer = await policy(this.use());
      if (number === this.#asked) this.#answer = answer;
    } catch (error) {
      if (number === this.#asked) this.#refusal = error;
    }
    if (number === this.#asked) this.#tell();
  }

  /** Forget what the rules said; answers that are still on their way count no more. */
  #forget() {
    [this.#answer, this.#refusal] = [null, null];
    this.#tell();
    return ++this.#asked;
  }

  #tell() {
    this.#drawVerdict();
    for (const listener of this.#listeners) listener();
  }

  #drawVerdict() {
    this.verdict.className = "verdict";
    delete this.verdict.dataset.decision;
    if (this.#answer) this.#drawAnswer(this.#answer);
    else if (this.#refusal?.code === "policy_refused") this.#drawRefusal(this.#refusal);
    else if (this.#refusal) this.#drawUnknown(this.#refusal);
    else fill(this.verdict, el("p", { class: "soft" }, t("policy.asking")));
  }

  #drawAnswer(answer) {
    const held = !answer.infer;
    this.verdict.classList.add(held ? "held" : "open");
    this.verdict.dataset.decision = answer.decision;
    fill(this.verdict, el("p", {}, el("strong", {}, t(held ? "policy.movements" : "policy.everything"))),
      !held && answer.decision === "restricted" ? el("p", {}, t("policy.no_sending")) : null,
      // Rules that hold something back come first in the file, and so in the answer.
      answer.decision === "restricted" ? el("p", { id: "policy-why" }, codeText("rule", answer.rules[0])) : null,
      rulesList(answer.rules));
  }

  #drawRefusal(error) {
    this.verdict.classList.add("shut");
    this.verdict.dataset.decision = "refused";
    const rule = refusingRule(error);
    fill(this.verdict, el("p", {}, el("strong", {}, t("policy.refused"))),
      el("p", {}, rule ? t(`rule.${rule}`) : error.message));
  }

  #drawUnknown(error) {
    this.verdict.classList.add("shut");
    fill(this.verdict, el("p", {}, el("strong", {}, t("policy.unknown"))),
      el("p", {}, codeText("error", error.code)), error.message ? el("p", {}, `${error.message} ${error.hint}`) : null);
  }
}

function yesOrNo(value) {
  return value === "" ? t("use.unknown") : t(`use.${value}`);
}

function fieldWords(name, value) {
  if (typeof value === "boolean") return t(value ? "use.yes" : "use.no");
  return codeText(name, value);
}

/** The message of a refusal names its rule. */
function refusingRule(error) {
  const names = `${error.message} ${error.hint}`.match(/\bno-[a-z-]+/g) ?? [];
  return names.find((name) => hasText(`rule.${name}`)) ?? null;
}

function rulesList(rules) {
  if (!rules?.length) return null;
  const items = rules.map((id) => el("li", {}, t("policy.rule", { words: codeText("rule", id), id })));
  return el("details", { class: "more" }, el("summary", {}, t("policy.rules")), el("ul", {}, items));
}
