using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;

namespace OathServer.Access;

/// <summary>Registers sign-in and the rules; an endpoint without a rule is closed to everybody.</summary>
internal static class AccessServices
{
    public static void AddAccess(this IServiceCollection services)
    {
        services.AddSingleton<ApiKeys>();
        services.AddAuthentication(ApiKeyAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, configureOptions: null);
        var authorization = services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAssertion(_ => false).Build());
        foreach (var (rule, roles) in Rules.RolesOf)
        {
            authorization.AddPolicy(rule, policy => policy.RequireAuthenticatedUser().RequireRole(roles));
        }
    }

    /// <summary>The API key of this request; null for staff who signed in otherwise.</summary>
    public static KnownApiKey? ApiKey(this HttpContext http) => http.Features.Get<KnownApiKey>();
}
