// Writes a license's events: tocsin.license.expiring, expired and renewed.
#include "plugins/sources/license_status/license_event.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin::license_status {
namespace {

std::string_view type_of(notice_kind kind) {
  switch (kind) {
    case notice_kind::expiring:
      return "tocsin.license.expiring";
    case notice_kind::expired:
      return "tocsin.license.expired";
    case notice_kind::renewed:
      break;
  }
  return "tocsin.license.renewed";
}

std::string_view severity_of(const notice& what) {
  if (what.kind == notice_kind::expired) return "fatal";
  if (what.kind == notice_kind::renewed) return "success";
  if (what.step > 30) return "info";
  return what.step > 7 ? "warn" : "error";
}

}  // namespace

license_event make_event(const notice& what, const license& file, std::string_view source_name) {
  license_event made;
  made.type = type_of(what.kind);
  made.severity = severity_of(what);
  made.uri = "/license/" + encode_name(source_name);
  made.subject = file.product;
  made.organization = file.organization;

  const std::string expires = format_time(file.expires_ms);
  made.id = identity(file) + "/" + expires + "/" + std::string(made.type.substr(made.type.rfind('.') + 1));
  if (what.kind == notice_kind::expiring) made.id += "/" + std::to_string(what.step);

  // What is not known, or means nothing for the kind, is left out: templates show every member that is there.
  boost::json::object data;
  data["product"] = file.product;
  data["holder"] = file.holder;
  data["expires"] = expires;
  data["days_left"] = what.days_left;
  if (what.kind == notice_kind::expiring) data["step"] = what.step;
  if (what.kind == notice_kind::renewed) data["previous_expires"] = format_time(what.previous_expires_ms);
  if (file.seats) data["seats"] = *file.seats;
  if (file.used) data["used"] = *file.used;
  data["late"] = what.late;
  made.data = boost::json::serialize(data);
  return made;
}

sdk::event license_event::view(std::int64_t now_ms) const {
  sdk::event event;
  event.id = id;
  event.source = uri;
  event.type = type;
  event.subject = subject;
  event.time_ms = now_ms;
  event.data = data;
  event.organization = organization;
  event.severity = severity;
  event.component = subject;
  return event;
}

}  // namespace tocsin::license_status
