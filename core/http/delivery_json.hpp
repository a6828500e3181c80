// Deliveries and counts as the API shows them.
#pragma once

#include "core/model/code.hpp"
#include "core/model/delivery.hpp"
#include "core/model/store.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <optional>
#include <string>

namespace tocsin {

struct api_parts;

// What the host knows besides a delivery's own record: the meaning of codes, and pauses.
class delivery_words {
 public:
  explicit delivery_words(const api_parts& parts);
  boost::json::object of(const delivery_record& delivery) const;

 private:
  const code_table* codes_;
  std::function<std::optional<endpoint_pause>(const endpoint_key&)> pause_of_;
};

boost::json::value text_or_null(const std::string& text);  // empty: null
boost::json::object to_json_object(const state_counts& counts);
boost::json::object to_json_object(const endpoint_pause& pause);

}  // namespace tocsin
