#pragma once

#include "object/schema.h"

// How the tables write fields, and the structures that several of them share; for schema*.cc alone.
namespace duet::object {

constexpr Field field_of(std::string_view name, FieldType type, Shape shape = Shape::kOne) {
  return Field{.name = name, .type = type, .shape = shape};
}
constexpr Field text(std::string_view name) { return field_of(name, FieldType::kString); }
constexpr Field integer(std::string_view name) { return field_of(name, FieldType::kInteger); }
constexpr Field boolean(std::string_view name) { return field_of(name, FieldType::kBoolean); }
constexpr Field quantity(std::string_view name) { return field_of(name, FieldType::kQuantity); }
constexpr Field time_of(std::string_view name) { return field_of(name, FieldType::kTime); }
constexpr Field anything(std::string_view name) { return field_of(name, FieldType::kAny); }
constexpr Field int_or_string(std::string_view name) {
  return field_of(name, FieldType::kIntOrString);
}
constexpr Field texts(std::string_view name) {
  return field_of(name, FieldType::kString, Shape::kList);
}
constexpr Field integers(std::string_view name) {
  return field_of(name, FieldType::kInteger, Shape::kList);
}
constexpr Field text_map(std::string_view name) {
  return field_of(name, FieldType::kString, Shape::kMap);
}
constexpr Field bytes_map(std::string_view name) {
  return field_of(name, FieldType::kBytes, Shape::kMap);
}
constexpr Field quantity_map(std::string_view name) {
  return field_of(name, FieldType::kQuantity, Shape::kMap);
}
constexpr Field object(std::string_view name, const Structure& fields) {
  return Field{.name = name, .type = FieldType::kObject, .fields = &fields};
}
constexpr Field objects(std::string_view name, const Structure& fields) {
  return Field{.name = name, .type = FieldType::kObject, .shape = Shape::kList, .fields = &fields};
}

extern const Structure kObjectMeta;
extern const Structure kLabelSelector;
extern const Structure kLocalObjectReference;
extern const Structure kTypedLocalObjectReference;
extern const Structure kObjectReference;
extern const Structure kCondition;
extern const Structure kObjectFieldSelector;
extern const Structure kResourceFieldSelector;
extern const Structure kVolume;
extern const Structure kResourceRequirements;
extern const Structure kSELinuxOptions;
extern const Structure kWindowsSecurityContextOptions;
extern const Structure kSeccompProfile;
extern const Structure kAppArmorProfile;
extern const Structure kContainer;
extern const Structure kEphemeralContainer;
extern const Structure kPodStatus;
extern const Structure kPodSpec;
extern const Structure kPod;
extern const Structure kDeployment;
extern const Structure kConfigMap;
extern const Structure kSecret;
extern const Structure kNamespace;
extern const Structure kEvent;
extern const Structure kService;
extern const Structure kEndpointSlice;
extern const Structure kIngress;
extern const Structure kHTTPRoute;

}  // namespace duet::object
