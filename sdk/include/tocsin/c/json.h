/* SPDX-License-Identifier: Apache-2.0 */
/* Text and JSON for plugins in plain C: settings and requests are read without a copy, and whatever a text holds
 * becomes JSON that can be read again. Needs no other part of tocsin/c.
 *
 *   char data[256];
 *   tocsin_json json = tocsin_json_begin(data, sizeof(data));
 *   tocsin_json_add_text(&json, "subject", message->subject);
 *   if (tocsin_json_end(&json) < 0) ... it was too long */
#ifndef TOCSIN_C_JSON_H
#define TOCSIN_C_JSON_H

#include <tocsin/abi/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Text ---- */

/* Text that ends in a zero byte, as the interface has it. */
static inline tocsin_string tocsin_text(const char* text) {
  tocsin_string made;
  made.data = text;
  made.size = strlen(text);
  return made;
}

static inline int tocsin_equal(tocsin_string text, const char* other) {
  return text.size == strlen(other) && (text.size == 0 || memcmp(text.data, other, (size_t)text.size) == 0);
}

/* For printf's "%.*s". */
#define TOCSIN_PRINT(STRING) (int)(STRING).size, (STRING).size ? (STRING).data : ""

/* The same text as bytes: an event's data, the body of an answer. */
static inline tocsin_bytes tocsin_data(const char* text) {
  tocsin_bytes made;
  made.data = (const uint8_t*)text;
  made.size = strlen(text);
  return made;
}

/* ---- Reading ---- */

static inline const char* tocsin_json_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
  return at;
}

/* The end of the JSON value that begins at `at`, or null. The host's text is JSON; other text is safe to read. */
static inline const char* tocsin_json_skip(const char* at, const char* end, int depth) {
  if (at >= end || depth > 64) return NULL;
  if (*at == '"') {
    for (++at; at < end; ++at) {
      if (*at == '"') return at + 1;
      if (*at == '\\') ++at;
    }
    return NULL;
  }
  if (*at == '{' || *at == '[') {
    const char closing = *at == '{' ? '}' : ']';
    at = tocsin_json_space(at + 1, end);
    while (at < end && *at != closing) {
      at = tocsin_json_skip(at, end, depth + 1);
      if (at == NULL) return NULL;
      at = tocsin_json_space(at, end);
      if (at < end && (*at == ',' || *at == ':')) at = tocsin_json_space(at + 1, end);
    }
    return at < end ? at + 1 : NULL;
  }
  {
    const char* const begin = at;
    while (at < end && strchr(",:]} \t\r\n", *at) == NULL) ++at;
    return at > begin ? at : NULL;
  }
}

/* The value of a member of an object, as JSON; empty: there is none. For a member of a member, call it twice. */
static inline tocsin_string tocsin_json_find(tocsin_string object, const char* key) {
  tocsin_string none = {NULL, 0};
  const char* at = object.data;
  const char* const end = object.size == 0 ? object.data : object.data + object.size;
  at = tocsin_json_space(at, end);
  if (at >= end || *at != '{') return none;
  at = tocsin_json_space(at + 1, end);
  while (at < end && *at == '"') {
    tocsin_string name;
    tocsin_string value;
    const char* after = tocsin_json_skip(at, end, 0);
    if (after == NULL) return none;
    name.data = at + 1;
    name.size = (uint64_t)(after - at - 2);
    at = tocsin_json_space(after, end);
    if (at >= end || *at != ':') return none;
    at = tocsin_json_space(at + 1, end);
    after = tocsin_json_skip(at, end, 0);
    if (after == NULL) return none;
    value.data = at;
    value.size = (uint64_t)(after - at);
    if (tocsin_equal(name, key)) return value;
    at = tocsin_json_space(after, end);
    if (at < end && *at == ',') at = tocsin_json_space(at + 1, end);
  }
  return none;
}

static inline int tocsin_json_hex(const char* at, const char* end, uint32_t* unit) {
  int i;
  *unit = 0;
  if (end - at < 4) return 0;
  for (i = 0; i < 4; ++i) {
    const char* const digits = "0123456789abcdef0123456789ABCDEF";
    const char* found = at[i] ? strchr(digits, at[i]) : NULL;
    if (found == NULL) return 0;
    *unit = *unit * 16 + (uint32_t)((found - digits) % 16);
  }
  return 1;
}

static inline int tocsin_json_utf8(uint32_t point, char* out) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (char)(0xc0 | (point >> 6));
    out[1] = (char)(0x80 | (point & 0x3f));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = (char)(0xe0 | (point >> 12));
    out[1] = (char)(0x80 | ((point >> 6) & 0x3f));
    out[2] = (char)(0x80 | (point & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | (point >> 18));
  out[1] = (char)(0x80 | ((point >> 12) & 0x3f));
  out[2] = (char)(0x80 | ((point >> 6) & 0x3f));
  out[3] = (char)(0x80 | (point & 0x3f));
  return 4;
}

/* Copy a text member to `out`, of `size` bytes, with a zero byte at its end. Its length, or -1: it is not there, is no
 * text, has a zero byte in it or is too long. */
static inline int tocsin_json_text(tocsin_string object, const char* key, char* out, size_t size) {
  const tocsin_string value = tocsin_json_find(object, key);
  const char* at = value.data;
  const char* end;
  size_t used = 0;
  if (value.size < 2 || *at != '"') return -1;
  end = at + value.size - 1;
  for (++at; at < end; ++at) {
    char piece[4];
    int length = 1;
    piece[0] = *at;
    if (*at == '\\') {
      static const char names[] = "bfnrt";
      static const char meanings[] = "\b\f\n\r\t";
      const char* known;
      if (++at >= end) return -1;
      known = *at ? strchr(names, *at) : NULL;
      piece[0] = known != NULL ? meanings[known - names] : *at;
      if (*at == 'u') {
        uint32_t point;
        uint32_t low;
        if (!tocsin_json_hex(at + 1, end, &point)) return -1;
        at += 4;
        if (point >= 0xd800 && point < 0xdc00 && end - at > 6 && at[1] == '\\' && at[2] == 'u' &&
            tocsin_json_hex(at + 3, end, &low) && low >= 0xdc00 && low < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
        length = tocsin_json_utf8(point, piece);
      }
    }
    if (piece[0] == '\0' || used + (size_t)length >= size) return -1;
    memcpy(out + used, piece, (size_t)length);
    used += (size_t)length;
  }
  if (size == 0) return -1;
  out[used] = '\0';
  return (int)used;
}

/* A whole number, or `otherwise` where the member is not there or is none. */
static inline int64_t tocsin_json_integer(tocsin_string object, const char* key, int64_t otherwise) {
  const tocsin_string value = tocsin_json_find(object, key);
  char digits[24];
  char* end;
  int64_t number;
  if (value.size == 0 || value.size >= sizeof(digits)) return otherwise;
  memcpy(digits, value.data, (size_t)value.size);
  digits[value.size] = '\0';
  number = (int64_t)strtoll(digits, &end, 10);
  return *end == '\0' ? number : otherwise;
}

/* 1, 0, or `otherwise` where the member is not there or is neither true nor false. */
static inline int tocsin_json_flag(tocsin_string object, const char* key, int otherwise) {
  const tocsin_string value = tocsin_json_find(object, key);
  if (tocsin_equal(value, "true")) return 1;
  return tocsin_equal(value, "false") ? 0 : otherwise;
}

/* ---- Writing ---- */

/* One object that is being written, member by member. */
typedef struct tocsin_json {
  char* data;
  size_t size;
  size_t used;
  int failed; /* it did not fit */
} tocsin_json;

static inline tocsin_json tocsin_json_begin(char* out, size_t size) {
  tocsin_json json;
  json.data = out;
  json.size = size;
  json.used = 0;
  json.failed = 0;
  return json;
}

static inline void tocsin_json_put(tocsin_json* json, const char* text, size_t size) {
  /* Two more: the brace and the zero byte at the end. */
  if (json->failed || json->size < 2 || size > json->size - 2 || json->used > json->size - 2 - size) {
    json->failed = 1;
    return;
  }
  memcpy(json->data + json->used, text, size);
  json->used += size;
}

/* The length of the one UTF-8 character that begins at `at`; 0: none does. */
static inline size_t tocsin_utf8_size(const unsigned char* at, const unsigned char* end) {
  const unsigned char first = *at;
  size_t size = 1;
  size_t index;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) size = 2;
  if (first >= 0xe0 && first < 0xf0) size = 3;
  if (first >= 0xf0 && first < 0xf5) size = 4;
  if (size == 1 || (size_t)(end - at) < size) return 0;
  for (index = 1; index < size; ++index) {
    if ((at[index] & 0xc0) != 0x80) return 0;
  }
  /* What a shorter form would say, half of a UTF-16 pair, beyond the last character. */
  if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] >= 0xa0)) return 0;
  if ((first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] >= 0x90)) return 0;
  return size;
}

/* Text with its quotes. What no UTF-8 is becomes U+FFFD, a byte at a time. */
static inline void tocsin_json_put_text(tocsin_json* json, tocsin_string text) {
  const unsigned char* at = (const unsigned char*)text.data;
  const unsigned char* const end = text.size == 0 ? at : at + text.size;
  tocsin_json_put(json, "\"", 1);
  while (at < end && !json->failed) {
    const size_t size = tocsin_utf8_size(at, end);
    if (*at == '"' || *at == '\\' || *at < 0x20) {
      char escaped[16];
      const int length = snprintf(escaped, sizeof(escaped), *at < 0x20 ? "\\u%04x" : "\\%c", (unsigned)*at);
      tocsin_json_put(json, escaped, (size_t)length);
    } else if (size == 0) {
      tocsin_json_put(json, "\xef\xbf\xbd", 3);
    } else {
      tocsin_json_put(json, (const char*)at, size);
    }
    at += size == 0 ? 1 : size;
  }
  tocsin_json_put(json, "\"", 1);
}

/* `value` is JSON already. */
static inline void tocsin_json_add_raw(tocsin_json* json, const char* key, tocsin_string value) {
  tocsin_json_put(json, json->used == 0 ? "{" : ",", 1);
  tocsin_json_put_text(json, tocsin_text(key));
  tocsin_json_put(json, ":", 1);
  if (value.size > 0) tocsin_json_put(json, value.data, (size_t)value.size);
}

static inline void tocsin_json_add_text(tocsin_json* json, const char* key, tocsin_string value) {
  const tocsin_string nothing = {NULL, 0};
  tocsin_json_add_raw(json, key, nothing);
  tocsin_json_put_text(json, value);
}

static inline void tocsin_json_add_integer(tocsin_json* json, const char* key, int64_t value) {
  char digits[24];
  snprintf(digits, sizeof(digits), "%lld", (long long)value);
  tocsin_json_add_raw(json, key, tocsin_text(digits));
}

static inline void tocsin_json_add_flag(tocsin_json* json, const char* key, int value) {
  tocsin_json_add_raw(json, key, tocsin_text(value ? "true" : "false"));
}

/* Ends the object, with a zero byte behind it. Its length, or -1: it did not fit, and `out` is the empty text. */
static inline int tocsin_json_end(tocsin_json* json) {
  if (json->used == 0) tocsin_json_put(json, "{", 1);
  if (json->failed) {
    if (json->size > 0) json->data[0] = '\0';
    return -1;
  }
  json->data[json->used++] = '}';
  json->data[json->used] = '\0';
  return (int)json->used;
}

#ifdef __cplusplus
}
#endif

#endif
