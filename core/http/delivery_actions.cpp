// Calls of the API by which an operator acts on deliveries.
#include "core/http/api_exchange.hpp"
#include "core/http/delivery_filter.hpp"
#include "core/http/delivery_json.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;

// The action that a path ends in; the table of routes has only those that there are.
delivery_action action_of(std::string_view path) {
  return parse_delivery_action(path.substr(path.rfind('/') + 1)).value_or(delivery_action::retry);
}

http_answer answer_of_many(const alteration_result& made) {
  json::object refused;
  for (const auto& [code, count] : made.refused) refused[code] = count;
  json::object body{{"matched", made.matched}, {"changed", made.changed}};
  body["refused"] = std::move(refused);
  if (!made.stopped) return ok(std::move(body));
  auto why = *made.stopped;
  why.what +=
      " " + std::to_string(made.changed) + " deliveries had been changed by then; the same call goes on with the rest.";
  return refusal(why);
}

}  // namespace

void api_exchange::alter_one(std::string_view path) {
  const auto id_path = path.substr(0, path.rfind('/'));
  const auto text = id_path.substr(id_path.rfind('/') + 1);
  const auto id = parse_delivery_id(text);
  const auto unknown = not_found("There is no delivery \"" + std::string(text) + "\".");
  if (!id) return done(unknown);
  alteration what;
  what.action = action_of(path);
  what.id = id;
  if (auto refused = restrict_to(*by, what.filter.organization)) return done(std::move(*refused));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.alter(std::move(what), [self, unknown, wanted = *id](result<alteration_result> made) {
    if (!made) return self->done(refusal(made.error()));
    if (made->refusal) return self->done(problem(409, *made->refusal, "Conflict"));
    if (made->matched == 0) return self->done(unknown);
    self->parts.store->get(wanted, [self, unknown](result<std::optional<delivery_record>> found) {
      self->answer_with([words = delivery_words(self->parts), unknown, found = std::move(found)] {
        if (!found) return refusal(found.error());
        return *found ? ok(words.of(**found)) : unknown;
      });
    });
  });
}

void api_exchange::alter_many(std::string_view path, std::string_view query) {
  auto filter = parse_delivery_filter(query, filter_use::many);
  if (!filter) return done(bad_request(filter.error()));
  alteration what;
  what.action = action_of(path);
  if (filter->state && !takes(what.action, *filter->state)) {
    const auto why = refuse(what.action, {.state = *filter->state});
    return done(bad_request(why ? *why : fault{}));
  }
  what.filter = std::move(*filter);
  if (auto refused = restrict_to(*by, what.filter.organization)) return done(std::move(*refused));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.alter(std::move(what), [self](result<alteration_result> made) {
    self->answer_with([made = std::move(made)] { return made ? answer_of_many(*made) : refusal(made.error()); });
  });
}

}  // namespace tocsin
