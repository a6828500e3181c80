// Writing events down with their deliveries.
#include "core/store/tables.hpp"
#include "core/store/tables_detail.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin {
namespace {

std::optional<std::string> json_list(const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return std::nullopt;
  }
  boost::json::array out;
  for (const auto& text : texts) {
    out.emplace_back(text);
  }
  return boost::json::serialize(out);
}

}  // namespace

void tables::insert_delivery(const new_delivery& value, const delivery_context& context) {
  const auto state = value.leased ? delivery_state::sending : delivery_state::pending;
  const auto endpoint = names_.endpoint_number(value.endpoint);
  using number = std::optional<std::int64_t>;
  insert_delivery_.run(static_cast<std::int64_t>(value.id), context.event, context.organization, endpoint,
                       static_cast<int>(state), context.severity, context.sensitive, context.created,
                       value.leased ? number() : number(context.created), value.leased ? number(owner_) : number(),
                       value.leased ? number(context.lease_until) : number(), value.recipient,
                       names_.number(value.route), names_.number(value.template_name), names_.number(value.language),
                       value.message_id, json_list(value.next_channels), value.give_up_at, context.source_hash);
  count(context.organization, state, 1);
  if (!value.leased) {
    waits(endpoint, context.organization, context.created);
  }
}

accept_answer tables::accept_one(const encoded_item& encoded, const encoded_batch& batch) {
  const auto& item = encoded.item;
  const auto organization = names_.number(item.payload.organization);
  {
    auto known = find_event_.query(item.payload.id, item.payload.source, organization);
    if (known.next() && known.integer(1) > batch.now) {
      const auto first = known.integer(0);
      count_duplicate_.run(first, batch.now);
      return {event_id{first}, true};
    }
  }
  const auto id = static_cast<std::int64_t>(item.id);
  // What is sensitive and goes nowhere has reached its end.
  const bool erased = item.sensitive && item.deliveries.empty();
  const auto payload =
      sqlite::bytes(reinterpret_cast<const std::byte*>(encoded.payload.data()), encoded.payload.size());
  const auto key_id = sqlite::bytes(reinterpret_cast<const std::byte*>(key_.id().data()), key_.id().size());
  using number = std::optional<std::int64_t>;
  using blob = std::optional<sqlite::bytes>;
  insert_event_.run(id, organization, item.payload.source, item.payload.id, item.payload.type,
                    static_cast<int>(item.payload.severity), item.accepted, item.payload.expires, batch.remember_until,
                    item.sensitive, item.sensitive && !erased ? blob(key_id) : blob(),
                    erased ? number(item.accepted) : number(), erased ? blob() : blob(payload));
  const delivery_context context{id,
                                 organization,
                                 static_cast<int>(item.payload.severity),
                                 item.sensitive,
                                 item.accepted,
                                 batch.lease_until,
                                 sqlite::text_hash(item.payload.source)};
  for (const auto& delivery : item.deliveries) {
    insert_delivery(delivery, context);
  }
  return {item.id, false};
}

std::vector<accept_answer> tables::accept(const encoded_batch& batch) {
  std::vector<accept_answer> answers;
  answers.reserve(batch.items.size());
  for (const auto& item : batch.items) {
    answers.push_back(accept_one(item, batch));
  }
  for (const auto& write : batch.memory) {
    if (write.value.empty()) {
      forget_memory_.run(write.source, write.name);
    } else {
      remember_.run(write.source, write.name, write.value);
    }
  }
  return answers;
}

}  // namespace tocsin
