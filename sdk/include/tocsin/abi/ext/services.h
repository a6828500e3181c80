/* SPDX-License-Identifier: Apache-2.0 */
/* How a plugin finds a service that another plugin in the same process offers. */
#ifndef TOCSIN_ABI_EXT_SERVICES_H
#define TOCSIN_ABI_EXT_SERVICES_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_SERVICES "tocsin.host.services/1-draft"

typedef struct tocsin_service {
  uint32_t struct_size; /* the caller sets it */
  uint32_t reserved;
  const void* table; /* the service's extension table, for example a tocsin_stream */
  void* self;        /* the first argument of its functions */
} tocsin_service;

typedef struct tocsin_host_services {
  uint32_t struct_size;
  uint32_t reserved;

  /* Only ids that the manifest's "requires" names are found, and in start() all of them are: a plugin is not started
   * without what it requires. A service that was found stays valid until the finder's stop() returns: providers start
   * before and stop after those who need them. TOCSIN_UNSUPPORTED: "requires" does not name it, which is reported in
   * the log; TOCSIN_INVALID: service is null or its struct_size too small; TOCSIN_UNAVAILABLE: the plugin was not
   * started. After a failure service is as it was. id is borrowed for the call. [control] in start() */
  tocsin_status (*find)(void* context, tocsin_string id, tocsin_service* service);
} tocsin_host_services;

#ifdef __cplusplus
}
#endif

#endif
