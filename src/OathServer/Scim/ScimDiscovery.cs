using System.Text.Json.Nodes;

namespace OathServer.Scim;

/// <summary>What a directory asks before it starts (RFC 7644 §4).</summary>
internal static class ScimDiscovery
{
    public static JsonObject ServiceProviderConfig() => new()
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"),
        ["patch"] = Supported(true),
        ["bulk"] = new JsonObject { ["supported"] = false, ["maxOperations"] = 0, ["maxPayloadSize"] = 0 },
        ["filter"] = new JsonObject { ["supported"] = true, ["maxResults"] = 200 },
        ["changePassword"] = Supported(false),
        ["sort"] = Supported(false),
        ["etag"] = Supported(false),
        ["authenticationSchemes"] = new JsonArray(new JsonObject
        {
            ["type"] = "oauthbearertoken",
            ["name"] = "API key",
            ["description"] = "An API key of the role directory, as a bearer token.",
            ["primary"] = true,
        }),
    };

    public static JsonObject ResourceTypes() => Listed(new JsonObject
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:ResourceType"),
        ["id"] = "User",
        ["name"] = "User",
        ["endpoint"] = "/Users",
        ["schema"] = ScimUser.Schema,
        ["schemaExtensions"] = new JsonArray(new JsonObject { ["schema"] = ScimUser.Enterprise, ["required"] = false }),
    });

    public static JsonObject Schemas() => Listed(
        Schema(ScimUser.Schema, "User", [("userName", "string", true), ("externalId", "string", false), ("displayName", "string", false),
            ("emails", "complex", false), ("active", "boolean", false)]),
        Schema(ScimUser.Enterprise, "EnterpriseUser", [("employeeNumber", "string", false)]));

    private static JsonObject Schema(string id, string name, (string Name, string Type, bool Required)[] attributes) => new()
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:Schema"),
        ["id"] = id,
        ["name"] = name,
        ["attributes"] = new JsonArray([.. attributes.Select(a => new JsonObject
        {
            ["name"] = a.Name,
            ["type"] = a.Type,
            ["multiValued"] = a.Type == "complex",
            ["required"] = a.Required,
            ["caseExact"] = false,
            ["mutability"] = "readWrite",
            ["returned"] = "default",
            ["uniqueness"] = a.Name == "userName" ? "server" : "none",
        })]),
    };

    private static JsonObject Supported(bool supported) => new() { ["supported"] = supported };

    private static JsonObject Listed(params JsonNode[] resources) => new()
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:api:messages:2.0:ListResponse"),
        ["totalResults"] = resources.Length,
        ["itemsPerPage"] = resources.Length,
        ["startIndex"] = 1,
        ["Resources"] = new JsonArray(resources),
    };
}
