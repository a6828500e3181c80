/* SPDX-License-Identifier: Apache-2.0 */
/* tocsin.config/1 and tocsin.preset/1 in plain C: what a schema cannot say of settings.
 *
 *   static void check(void* self, const tocsin_config_input* input, const tocsin_finding_report* report) {
 *     if (tocsin_json_integer(input->settings, "first", 0) >= tocsin_json_integer(input->settings, "last", 0))
 *       tocsin_report_error(report, "first", "SETTINGS_INVALID", "The first hour is not before the last.");
 *   } */
#ifndef TOCSIN_C_CONFIG_H
#define TOCSIN_C_CONFIG_H

#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/c/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* MIGRATE may be NULL: there is no older form of the settings. */
#define TOCSIN_C_CONFIG(CHECK, MIGRATE) TOCSIN_C_EXTENSION(TOCSIN_EXT_CONFIG, tocsin_config, CHECK, MIGRATE)
#define TOCSIN_C_PRESET(CHECK) TOCSIN_C_EXTENSION(TOCSIN_EXT_PRESET, tocsin_preset, CHECK)

static inline void tocsin_report_finding(const tocsin_finding_report* report, uint32_t fatal, const char* key,
                                         const char* code, const char* text) {
  tocsin_finding finding;
  memset(&finding, 0, sizeof(finding));
  finding.struct_size = sizeof(finding);
  finding.fatal = fatal;
  finding.key = tocsin_text(key);
  finding.code = tocsin_text(code);
  finding.text = tocsin_text(text);
  report->finding(report->context, &finding);
}

/* The settings cannot work. key: the setting, dotted; "": all of them. text: what is wrong and what to do. */
static inline void tocsin_report_error(const tocsin_finding_report* report, const char* key, const char* code,
                                       const char* text) {
  tocsin_report_finding(report, 1, key, code, text);
}

/* They work, but perhaps not as meant. */
static inline void tocsin_report_warning(const tocsin_finding_report* report, const char* key, const char* code,
                                         const char* text) {
  tocsin_report_finding(report, 0, key, code, text);
}

#ifdef __cplusplus
}
#endif

#endif
