import { hasText, t } from "./texts.js";

/**
 * Return what went wrong in a line: the kind in the language of the page, then the server's own words.
 * @param {{code?: string, message?: string, hint?: string}} error An `ApiError`, or the error of an event.
 * @returns {string}
 */
export function errorLine(error) {
  const kind = hasText(`error.${error.code}`) ? t(`error.${error.code}`) : "";
  const words = [kind, error.message, error.hint].filter(Boolean);
  return words.length ? words.join(" ") : t("error.error");
}
