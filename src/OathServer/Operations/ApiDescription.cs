using System.Reflection;
using Microsoft.OpenApi;
using OathServer.Access;

namespace OathServer.Operations;

/// <summary>What the endpoints do not say of themselves in <c>/openapi/v1.json</c>: how a caller shows its key, and a name
/// of each operation, from which generated clients name their methods.</summary>
internal static class ApiDescription
{
    private const string SchemeName = "ApiKey";

    public static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.AddOperationTransformer((operation, context, _) =>
        {
            operation.OperationId ??= NameOf(context.Description.ActionDescriptor.EndpointMetadata.OfType<MethodInfo>().FirstOrDefault());
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[SchemeName] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = ApiKeyAuthentication.Header,
                Description = "The key of a relying party, a program or a member of staff.",
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, document)] = [] }];
            // One method may answer on several paths; names are unique in a description (OpenAPI 3.1 §4.8.10).
            var taken = new HashSet<string>(StringComparer.Ordinal);
            foreach (var operation in document.Paths.Values.SelectMany(p => p.Operations?.Values ?? Enumerable.Empty<OpenApiOperation>()))
            {
                for (var (name, n) = (operation.OperationId, 2); operation.OperationId is not null && !taken.Add(operation.OperationId); n++)
                {
                    operation.OperationId = $"{name}{n}";
                }
            }

            return Task.CompletedTask;
        });
    });

    /// <summary><c>TokensEndpoint.Get</c> is <c>Tokens_Get</c>; null for a handler that has no name.</summary>
    private static string? NameOf(MethodInfo? handler) => handler is null || handler.Name.Contains('<', StringComparison.Ordinal)
        ? null
        : $"{Without(handler.DeclaringType!.Name, "Endpoint")}_{Without(handler.Name, "Async")}";

    private static string Without(string name, string ending) => name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
}
