// The table of languages. To add one: a row here, and templates/message.*.LANGUAGE.mustache.
#include "core/rendering/labels.hpp"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<labels, 2> table = {{
    {"en",
     {"Information", "Success", "Warning", "Error", "Fatal"},
     "Severity",
     "Type",
     "Time",
     "Organization",
     "Source",
     "Data",
     "Product",
     "Holder",
     "Ends on",
     "Days left",
     "Seats in use",
     ": ",
     "{n} further fields are not shown.",
     "Sent by Tocsin"},
    {"fr",
     {"Information", "Succès", "Avertissement", "Erreur", "Critique"},
     "Gravité",
     "Type",
     "Date",
     "Organisation",
     "Source",
     "Données",
     "Produit",
     "Titulaire",
     "Échéance",
     "Jours restants",
     "Postes utilisés",
     " : ",
     "{n} autres champs ne sont pas affichés.",
     "Envoyé par Tocsin"},
}};

std::string primary_subtag(std::string_view language) {
  std::string primary(language.substr(0, std::min(language.find_first_of("-_"), language.size())));
  for (char& c : primary) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return primary;
}

}  // namespace

const labels& labels_for(std::string_view language) {
  const auto primary = primary_subtag(language);
  const auto* found =
      std::find_if(table.begin(), table.end(), [&](const labels& row) { return row.language == primary; });
  return found == table.end() ? table.front() : *found;
}

std::string locale_for(std::string_view language) {
  const auto& found = labels_for(language);
  return found.language == primary_subtag(language) ? std::string(language) : std::string(found.language);
}

}  // namespace tocsin
