using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>Registers sign-in and the rules; an endpoint without a rule is closed to everybody.</summary>
internal static class AccessServices
{
    /// <summary>Chooses by the request: an API key when one is sent, else the session of staff.</summary>
    private const string EitherScheme = "Either";

    public static void AddAccess(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<ApiKeyLife>();
        services.AddSingleton(LimitsPolicy.Of(configuration));
        services.AddSingleton<ApiKeyLimits>();
        services.AddSingleton<StaffLinks>();
        services.AddScoped<StaffLife>();
        services.AddScoped<StaffPasskeys>();
        var authentication = services.AddAuthentication(EitherScheme)
            .AddPolicyScheme(EitherScheme, displayName: null, options => options.ForwardDefaultSelector = http =>
                ApiKeyAuthentication.IsSent(http.Request) ? ApiKeyAuthentication.SchemeName : StaffSession.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, configureOptions: null)
            .AddCookie(StaffSession.SchemeName, StaffSession.Configure);
        OpenIdSignIn.Add(authentication, configuration);
        AddStaff(services, configuration);
        AddCookies(services);
        var authorization = services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAssertion(_ => false).Build());
        HolderSignIn.Add(authentication, authorization, configuration);
        foreach (var (rule, roles) in Rules.RolesOf)
        {
            authorization.AddPolicy(rule, policy => policy.RequireAuthenticatedUser().RequireRole(roles).RequireAssertion(RealmScope.Allows));
        }
    }

    /// <summary>The API key of this request; null for staff who signed in otherwise.</summary>
    public static KnownApiKey? ApiKey(this HttpContext http) => http.Features.Get<KnownApiKey>();

    private static void AddStaff(IServiceCollection services, IConfiguration configuration)
    {
        services.AddIdentityCore<StaffMember>(options =>
            {
                options.Lockout.MaxFailedAccessAttempts = 5;
                options.Lockout.DefaultLockoutTimeSpan = TimeSpan.FromMinutes(15);
                options.Password.RequiredLength = StaffPasswords.LengthMin;
                options.Password.RequireDigit = false;
                options.Password.RequireLowercase = false;
                options.Password.RequireUppercase = false;
                options.Password.RequireNonAlphanumeric = false;
            })
            .AddSignInManager()
            .AddPasswordValidator<StaffPasswords>();
        services.AddScoped<IUserStore<StaffMember>, UserOnlyStore<StaffMember, OathDbContext, int>>();
        services.Configure<IdentityPasskeyOptions>(options => StaffPasskeys.Configure(options, configuration));
        services.Configure<PasswordHasherOptions>(options => options.IterationCount = StaffPasswords.Iterations);
    }

    private static void AddCookies(IServiceCollection services)
    {
        // It warns that it encrypts no key; CookieKeys seals each.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error));
        services.AddDataProtection().SetApplicationName("OathServer");
        services.AddSingleton<CookieKeys>();
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider =>
            new ConfigureOptions<KeyManagementOptions>(options => options.XmlRepository = provider.GetRequiredService<CookieKeys>()));
        services.AddAntiforgery(options =>
        {
            options.Cookie.Name = "oath-form";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
    }
}
